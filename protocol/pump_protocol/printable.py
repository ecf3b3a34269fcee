"""Text that somebody else sent, made safe to be shown; it knows nothing of what it is about."""


def printable(text: str) -> str:
    """The text without what moves a terminal's cursor, hides in it, or may not be in XML."""
    if text.isprintable():  # as nearly all of it is
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii")
        for each in text
    )
