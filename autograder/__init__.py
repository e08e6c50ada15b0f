"""Tandem's autograder: judges plain values that student code returned, never the code itself."""

__version__ = "0.1.0"
