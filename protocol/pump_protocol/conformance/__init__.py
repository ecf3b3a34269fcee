"""Conformance: cases that judge anyone's pump and anyone's programmer by the specification.

A case (:mod:`.cases`) is data and a generator of steps (:mod:`.steps`); it does no I/O. On a pump
it plays the programmer (:mod:`.tester`), on a programmer the pump (:mod:`.standin`). A trial
(:mod:`.trial`) turns a case into a verdict, a run (:mod:`.suite`) many cases into a report.
"""
