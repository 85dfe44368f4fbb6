"""Write the tables anew from the catalogue, after a change that is meant."""

from __future__ import annotations

from dlconf.catalogue import load
from tests.expectations import write

catalogue = load()
for section in catalogue.sections():
    write(section, catalogue)
