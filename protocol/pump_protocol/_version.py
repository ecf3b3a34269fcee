"""The version of the distribution: one number for its three packages."""

__version__ = "0.1.0"
