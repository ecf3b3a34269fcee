"""What happened in a training session, for the talk after it."""
