"""Tests of policy documents, their inputs, and the page that shows them."""
