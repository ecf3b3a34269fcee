"""A simulator of a programmable intrathecal infusion pump, never for clinical use; it knows no client."""
