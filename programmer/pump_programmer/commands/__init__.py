"""The commands of ``pump-programmer``: each one conversation, from its options to its answer.

A command decides nothing about therapy and draws nothing: what is typed is understood by
:mod:`pump_programmer.arguments` and :mod:`pump_programmer.schedules`, plans are
:mod:`pump_programmer.plan`'s, reviews :mod:`pump_programmer.review`'s, screens
:mod:`pump_programmer.views`'. The docstrings of commands are what ``--help`` says.
"""
