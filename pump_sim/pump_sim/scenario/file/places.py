"""Where something stands in a file."""

Place = tuple[str | int, ...]
"""Keys, and numbers of elements from 0 on, from the top of the document."""
