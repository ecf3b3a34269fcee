"""What was expected, and what happened."""
