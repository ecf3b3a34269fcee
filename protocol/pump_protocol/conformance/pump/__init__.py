"""Cases that judge a pump, a module for each part of the specification."""
