"""What is in a scenario file, typed."""
