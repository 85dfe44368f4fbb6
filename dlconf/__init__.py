"""dlconf: from a bare lab machine to a verified deep-learning stack, and back to it after drift."""

__version__ = "0.1.0"
