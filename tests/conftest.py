"""What every test takes for granted of the process it runs in."""

import signal

from hypothesis import settings

# How long an example takes says more of the machine than of the code: a busy one would fail tests.
settings.register_profile("without-deadline", deadline=None)
settings.load_profile("without-deadline")

# Under nohup, or started in the background by a shell, some signals are ignored, and the programs
# that tests start would inherit that: a test of Ctrl-C would wait for an end that cannot come.
for _name, _handler in (
    ("SIGINT", signal.default_int_handler),
    ("SIGTERM", signal.SIG_DFL),
    ("SIGHUP", signal.SIG_DFL),
):
    _number = getattr(signal, _name, None)
    if _number is not None and signal.getsignal(_number) is signal.SIG_IGN:
        signal.signal(_number, _handler)
