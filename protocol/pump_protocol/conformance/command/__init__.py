"""What the two command lines of the suite share: options, the console, and how a run is driven.

The only part of this package that knows terminals, files and the date; neither ports nor subjects.
"""
