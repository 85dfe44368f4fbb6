"""The command line. `main` is the entry point; a command's module is imported when it is called."""

from dlconf.cli.group import main

__all__ = ["main"]
