"""The record of a choice, which a host keeps so that the next run keeps the choice."""

from __future__ import annotations

from typing import Any

from dlconf.stack import Resolution

SCHEMA = 1


def record(resolution: Resolution) -> dict[str, Any]:
    """Give what a host records of a resolution, as plain JSON data."""
    stack = resolution.stack
    return {
        "schema": SCHEMA,
        "driver": {"branch": stack.driver.branch, "flavour": stack.driver.flavour}
        if stack.driver
        else None,
        "cuda": stack.cuda.version if stack.cuda else None,
        "cudnn": stack.cudnn.version if stack.cudnn else None,
        "python": stack.python.version,
        "frameworks": {item.name: item.version for item in stack.frameworks},
        "anaconda": {
            "distribution": resolution.install.anaconda.distribution,
            "version": resolution.install.anaconda.version,
        },
    }
