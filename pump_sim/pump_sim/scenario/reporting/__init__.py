"""What came of a check, for people and for continuous integration."""
