"""The tests, room by room, and the equipment they use."""
