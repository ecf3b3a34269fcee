"""Cases that judge a programmer, a module for each part of the specification."""
