"""The commands of ``pump-sim`` that have much to say: each from its options to its answer.

Their docstrings are what ``--help`` says. What costs time to import they import when they are run.
"""
