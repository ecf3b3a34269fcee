"""The scenario's programmer, over the wire and without I/O."""
