"""Tests of the equipment that other tests rely on."""
