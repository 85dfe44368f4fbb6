"""The record of a choice, which a host keeps so that the next run keeps the choice."""

from __future__ import annotations

import json
from typing import Any

from dlconf.stack import Resolution

SCHEMA = 1


def record(resolution: Resolution) -> dict[str, Any]:
    """Give what a host records of a resolution, as plain JSON data.

    `wished` is there only where frameworks were wished with --want and no inventory names any.
    """
    stack, anaconda = resolution.stack, resolution.install.anaconda
    wished = {"wished": list(resolution.wished)} if resolution.wished else {}
    return {
        "schema": SCHEMA,
        "driver": {"branch": stack.driver.branch, "flavour": stack.driver.flavour}
        if stack.driver
        else None,
        "cuda": stack.cuda.version if stack.cuda else None,
        "cudnn": stack.cudnn.version if stack.cudnn else None,
        "python": stack.python.version,
        "frameworks": {item.name: item.version for item in stack.frameworks},
        "anaconda": {"distribution": anaconda.distribution, "version": anaconda.version}
        if anaconda
        else None,
        **wished,
    }


def as_planned(resolution: Resolution) -> dict[str, Any]:
    """Give a resolution as plans and contracts take it: as JSON data, with the text of the record."""
    text = json.dumps(record(resolution), indent=2, sort_keys=True) + "\n"
    return resolution.as_json() | {"record_text": text}
