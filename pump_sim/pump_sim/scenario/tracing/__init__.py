"""A play as lines of JSON."""
