"""Tests of the pages in a real browser: a package, so that what they share ends with them.

Playwright keeps an event loop running in the thread that uses it, where no other test could start
one; a fixture of this package's scope is over before a test of another folder begins.
"""
