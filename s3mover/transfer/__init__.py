"""The work on one object: the way it takes, what travels with it, and the check of what arrived."""
