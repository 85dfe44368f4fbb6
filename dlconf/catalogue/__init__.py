"""What is known of GPUs, drivers, CUDA, cuDNN, frameworks and conda, as data with sources."""

from __future__ import annotations

from dlconf.catalogue.container import Catalogue
from dlconf.catalogue.loader import check, load
from dlconf.catalogue.problem import CatalogueError, Problem
from dlconf.catalogue.references import all_problems

__all__ = ["Catalogue", "CatalogueError", "Problem", "all_problems", "check", "load"]
