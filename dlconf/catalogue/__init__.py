"""What is known of GPUs, drivers, CUDA, cuDNN, frameworks and conda, as data with sources."""

from __future__ import annotations

from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.loader import load
from dlconf.catalogue.references import all_problems
from dlconf.catalogue.schema import CatalogueError

__all__ = ["Catalogue", "CatalogueError", "all_problems", "load"]
