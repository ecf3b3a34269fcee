"""The clinician's programmer in the browser: pages, and the API behind them, over the real wire.

Its back end is the same blocking programmer that the command line has, in one thread. It needs the
packages of the extra ``web``, and knows no simulator.
"""
