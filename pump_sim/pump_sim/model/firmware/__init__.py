"""What the pump believes and decides; it never sees the hardware, only what it is told of it."""
