"""The tree of errors in the docstring is the tree of classes."""

import inspect
import re

from pump_protocol import errors


def printed_tree() -> dict[str, str]:
    """Each class of the docstring's tree with the class it hangs under."""
    parents: dict[str, str] = {}
    path: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        if found := re.match(r"^    ([│ ]*(?:├── |└── )?)(\w+)", line):
            depth = len(found[1]) // 4
            path[depth:] = [found[2]]
            if depth:
                parents[found[2]] = path[depth - 1]
    return parents


def test_the_printed_tree_is_true_and_complete() -> None:
    classes = {
        name: each
        for name, each in inspect.getmembers(errors, inspect.isclass)
        if issubclass(each, errors.ProtocolError)
    }
    assert printed_tree() == {
        name: each.__mro__[1].__name__
        for name, each in classes.items()
        if each is not errors.ProtocolError
    }
    assert errors.ProtocolError.__base__ is Exception


def test_every_error_says_what_it_is() -> None:
    for name in {*printed_tree(), "ProtocolError"}:
        assert inspect.getdoc(getattr(errors, name))
