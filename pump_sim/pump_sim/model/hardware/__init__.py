"""What is physically true of a pump; it never learns what the firmware believes."""
