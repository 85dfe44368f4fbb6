"""What a user asks for on one host: from Ansible variables to typed wishes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlconf.errors import UsageError

PINNING_VARIABLES = {
    "nvidia_driver_branch": "driver",
    "cuda_version": "cuda",
    "cudnn_version": "cudnn",
    "anaconda_version": "anaconda",
}
"""Role variables that name a version: set in an inventory, they pin that component."""

VARIABLES = (
    "dlconf_frameworks",
    "dlconf_want",
    "dlconf_unwant",
    "dlconf_pins",
    "dlconf_set",
    "dlconf_upgrade",
    "dlconf_ignore_gpus",
    "dlconf_keras_backend",
    "dlconf_catalogue",
    "nvidia_driver_source",
    "nvidia_driver_flavour",
    "cuda_source",
    "cudnn_source",
    "anaconda_distribution",
    *PINNING_VARIABLES,
)
"""All variables of an inventory, or of the command line, that hold wishes."""


ALIASES = {"torch": "pytorch", "tf": "tensorflow", "nvidia_driver": "driver"}
WISH = re.compile(r"\s*([A-Za-z][\w.-]*?)\s*((?:[=<>!~]=|[<>]|===).*)?\s*")
"""A framework's name, and versions behind it."""
NONE = "none"
"""What is wished where nothing is wished, in the place of a name or a version."""

KERAS_BACKENDS = ("tensorflow", "jax", "pytorch", "theano")
"""The frameworks on which Keras runs, of those that can be installed (keras.io/getting_started)."""


@dataclass(frozen=True)
class Wishes:
    """The choices that are the user's; everything else is the resolver's.

    Attributes:
        frameworks: names, each with an optional version specifier (`jax==0.10.2`).
        pins: component -> exact version, prefix (`12.8` allows 12.8.*) or specifier set (`>=12.4,<13`).
        driver_source: `ppa`, `distribution` or `nvidia`; None leaves it to the catalogue.
        driver_flavour: `open` or `proprietary`; None leaves it to the GPU and the branch.
        cuda_source: `local` or `network`; None prefers local where a checksum is known.
        cudnn_source: likewise.
        anaconda_distribution: `miniforge`, `miniconda` or `anaconda`.
        upgrade: move on to the newest versions instead of keeping what is good enough.
        ignore_gpus: PCI slots or device ids to leave out of the choice; "none" keeps even a small
            card that shows no picture.
        keras_backend: one of KERAS_BACKENDS; None takes TensorFlow, and another where that does not run.
        set_here: the components whose pin the command line gave; one that has no meaning is an error.
        standing: of the frameworks those that the host's record is to keep, since no inventory names any.
        without_effect: what was wished and changes nothing, in words for people.
    """

    frameworks: tuple[str, ...] = ()
    pins: Mapping[str, str] = field(default_factory=dict)
    driver_source: str | None = None
    driver_flavour: str | None = None
    cuda_source: str | None = None
    cudnn_source: str | None = None
    anaconda_distribution: str = "miniforge"
    upgrade: bool = False
    ignore_gpus: tuple[str, ...] = ()
    keras_backend: str | None = None
    set_here: frozenset[str] = frozenset()
    standing: tuple[str, ...] = ()
    without_effect: tuple[str, ...] = ()


def canonical(name: str) -> str:
    """Give a component its catalogue name ("torch" is pytorch)."""
    plain = name.strip().lower()
    return ALIASES.get(plain, plain)


def framework_name(wish: str) -> str:
    """Return the framework that a wish is about: of `torch==2.8.0` it is pytorch."""
    match = WISH.fullmatch(wish)
    return canonical(match[1] if match else wish)


def read(variables: Mapping[str, Any], record: Mapping[str, Any] | None = None) -> Wishes:
    """Return the wishes that Ansible variables of one host, and its record, express.

    Args:
        variables: values of those of VARIABLES that are set, templated.
        record: that of the host (dlconf.resolve.record); its wishes count where no inventory names frameworks.

    Raises:
        UsageError: a value has the wrong type; the message names the variable.
    """
    pins = {
        component: _text(variables[name], name)
        for name, component in PINNING_VARIABLES.items()
        if variables.get(name)
    }
    set_here = _pins(variables.get("dlconf_set") or {}, "dlconf_set")
    pins |= _pins(variables.get("dlconf_pins") or {}, "dlconf_pins") | set_here
    frameworks, standing, without_effect = _frameworks(variables, record or {})
    return Wishes(
        frameworks=frameworks,
        pins=pins,
        set_here=frozenset(map(canonical, set_here)),
        standing=standing,
        without_effect=without_effect,
        driver_source=_choice(variables, "nvidia_driver_source", ("ppa", "distribution", "nvidia")),
        driver_flavour=_choice(variables, "nvidia_driver_flavour", ("open", "proprietary")),
        cuda_source=_choice(variables, "cuda_source", ("local", "network")),
        cudnn_source=_choice(variables, "cudnn_source", ("local", "network")),
        anaconda_distribution=_choice(
            variables, "anaconda_distribution", ("miniforge", "miniconda", "anaconda")
        )
        or "miniforge",
        upgrade=_flag(variables.get("dlconf_upgrade", False), "dlconf_upgrade"),
        ignore_gpus=_texts(variables.get("dlconf_ignore_gpus"), "dlconf_ignore_gpus"),
        keras_backend=_choice(variables, "dlconf_keras_backend", KERAS_BACKENDS),
    )


def _frameworks(
    variables: Mapping[str, Any], record: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the wished frameworks, those of them to be recorded, and what changes nothing."""
    said = variables.get("dlconf_frameworks")
    want, unwant = (_texts(variables.get(name), name) for name in ("dlconf_want", "dlconf_unwant"))
    before = _recorded(record) if said is None else _texts(said, "dlconf_frameworks")
    names = {framework_name(wish) for wish in before}
    told = [
        f"--unwant {name}: {framework_name(name)} is not wished here, {_listed(names)}"
        for name in unwant
        if framework_name(name) not in names
    ]
    added = () if want == (NONE,) else want
    changed = {framework_name(wish) for wish in (*added, *unwant)}
    stays = before if added == want else ()
    wished = (*(wish for wish in stays if framework_name(wish) not in changed), *added)
    if said is None:
        return wished, wished, tuple(told)
    if wished != before:
        told.append(
            "--want and --unwant count for this run only: the inventory sets dlconf_frameworks"
        )
    return wished, (), tuple(told)


def _recorded(record: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the wishes of a record; what is no framework's name is none, whoever wrote it."""
    wished = record.get("wished")
    found = wished if isinstance(wished, list) else []
    return tuple(wish for wish in found if isinstance(wish, str) and WISH.fullmatch(wish))


def _listed(names: Iterable[str]) -> str:
    found = ", ".join(sorted(names))
    return f"only {found}" if found else "no framework is"


def site_catalogues(variables: Mapping[str, Any], inventory_dir: str | None) -> tuple[str, ...]:
    """Return the paths of the site's catalogue files, relative ones read from the inventory's folder."""
    value = variables.get("dlconf_catalogue") or []
    names = _texts([value] if isinstance(value, str) else value, "dlconf_catalogue")
    return tuple(str(Path(inventory_dir or ".") / name) for name in names)


def _text(value: Any, name: str) -> str:
    if isinstance(value, str):
        return value
    raise UsageError(
        f"{name} must be text, not {value!r}",
        hint=f'write it in quotes, {name}: "{value}", so that 12.10 does not become 12.1',
    )


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, str) or not isinstance(value, list | tuple):
        raise UsageError(f"{name} must be a list, not {value!r}", hint=f"write {name}: [{value}]")
    return tuple(_text(item, f"{name}[{index}]") for index, item in enumerate(value))


def _pins(value: Any, name: str) -> dict[str, str]:
    if not isinstance(value, Mapping):
        raise UsageError(
            f"{name} must map components to versions, not {value!r}",
            hint=f'write {name}: {{cuda: "12.4"}}',
        )
    return {
        str(component): _text(version, f"{name}.{component}")
        for component, version in value.items()
    }


def _choice(variables: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str | None:
    value = variables.get(name)
    if value is None or value == "":
        return None
    if value not in choices:
        raise UsageError(f"{name} must be one of {', '.join(choices)}, not {value!r}")
    return str(value)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        raise UsageError(f"{name} must be true or false, not {value!r}")
    return value
