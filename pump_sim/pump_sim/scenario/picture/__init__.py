"""A traced play as a picture."""
