"""Refreshing rows from the vendors' machine-readable lists.

    read            files of a folder or a URL, recognised by what is in them
    lists           what a list states of rows (gpus, drivers, frameworks), one module a kind
    compare         that against the catalogue: what is added, changed, left out, the same
    write           the changes into the bundled files, or a site's file, checked before it is kept

A list overrides only the facts that it states; everything else of a row stays.
"""

from __future__ import annotations

from dlconf.catalogue.update.comparison import Change, Comparison, compare
from dlconf.catalogue.update.files import SourceFile, read
from dlconf.catalogue.update.lists import statements
from dlconf.catalogue.update.writing import write

__all__ = ["Change", "Comparison", "SourceFile", "compare", "read", "statements", "write"]
