"""What a user asks for on one host: from Ansible variables to typed wishes."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dlconf.written import Versioned, WrongValue, version_in

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
    "frameworks_backend",
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
VERSION_FORMS = "write an exact version (12.8.1), a prefix (12.8) or a range (>=12.4,<13)"
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
        conda_environments: the frameworks' environments are made with conda, not with uv.
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
    conda_environments: bool = True
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
        WrongValue: a value has the wrong type; the hint is the line that would be right.
    """
    pins = _pinned(variables)
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
        conda_environments=_choice(variables, "frameworks_backend", ("conda", "venv")) != "venv",
        keras_backend=_choice(variables, "dlconf_keras_backend", KERAS_BACKENDS),
    )


def _frameworks(
    variables: Mapping[str, Any], record: Mapping[str, Any]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return the wished frameworks, those of them to be recorded, and what changes nothing."""
    said = variables.get("dlconf_frameworks")
    want = _framework_texts(variables.get("dlconf_want"), "dlconf_want")
    unwant = _texts(variables.get("dlconf_unwant"), "dlconf_unwant")
    before = _recorded(record) if said is None else _framework_texts(said, "dlconf_frameworks")
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


def _texts(value: Any, name: str) -> tuple[str, ...]:
    """Return a list of texts.

    Raises:
        WrongValue: it is none; the line that would be right is the hint.
    """
    if value is None:
        return ()
    right = _right_list(value)
    if not isinstance(value, list | tuple):
        raise WrongValue(name, f"{name} must be a list, not {value!r}", right=right)
    for index, item in enumerate(value):
        if not isinstance(item, str):
            raise WrongValue(
                name, f"{name}[{index}] must be text, not {_plain(item)!r}", right=right
            )
    return tuple(map(str, value))


def _framework_texts(value: Any, name: str) -> tuple[str, ...]:
    """Return a list of frameworks' names with their versions.

    Raises:
        WrongValue: it is none, or one is in the form of another tool.
    """
    texts = _texts(value, name)
    for text in texts:
        if not WISH.fullmatch(text):
            right = [item if WISH.fullmatch(item) else _right_item(item) for item in texts]
            raise WrongValue(
                name, f"{name}: {text!r} is no framework with a version behind it", right=right
            )
    return texts


def _right_list(value: Any) -> list[Any]:
    """Return the list that was meant by a text, a mapping, or a list with other things than text in it."""
    if isinstance(value, str):
        parts = re.split(r",\s*(?![<>=!~])|\s+(?![<>=!~\d])", value.strip().strip("[]"))
        value = [part.strip().strip("'\"") for part in parts]
    items = value.items() if isinstance(value, Mapping) else value
    if not isinstance(items, Iterable):
        items = [items]
    return [item for item in map(_right_item, items) if item]


def _right_item(item: Any) -> Any:
    """Return a framework with its version as they are written together, of a mapping, a pair or another tool's text."""
    if isinstance(item, Mapping) and item:
        item = next(iter(item.items()))
    if isinstance(item, tuple):
        name, version = item
        return str(name) if version in (None, "") else Versioned(str(name), version)
    if isinstance(item, str) and not WISH.fullmatch(item):
        name = re.match(r"[A-Za-z][\w.]*", item.strip())
        version = version_in(re.sub(r"\[.*?\]", "", item))
        if name:
            return Versioned(name[0], version) if version else name[0]
    return item if item is None or isinstance(item, str | int | float) else str(item)


def right_framework(text: str) -> str | None:
    """Return a framework with its version as they are written together, where a text of another tool means one."""
    right = _right_item(text)
    return right.text(str) if isinstance(right, Versioned) else right if right != text else None


def _pins(value: Any, name: str) -> dict[str, str]:
    """Return components with their versions.

    Raises:
        WrongValue: it is no such mapping, or a version is none; the line that would be right is the hint.
    """
    right = _right_pins(value)
    if not isinstance(value, Mapping):
        raise WrongValue(
            name, f"{name} must map components to versions, not {_plain(value)!r}", right=right
        )
    for component, version in value.items():
        about = f"{name}.{component}"
        if version in (None, ""):
            raise WrongValue(
                name,
                f"{about} is empty",
                right=right,
                hint=f"give {component} a version, or leave it out",
            )
        _check_version(str(component), version, about, name, right)
    return {str(component): str(version) for component, version in value.items()}


def _pinned(variables: Mapping[str, Any]) -> dict[str, str]:
    """Return the versions that role variables name."""
    found = {}
    for name, component in PINNING_VARIABLES.items():
        value = variables.get(name)
        if value not in (None, ""):
            right = version_in(value) if isinstance(value, str) else value
            _check_version(component, value, name, name, right)
            found[component] = str(value)
    return found


def _check_version(component: str, version: Any, about: str, variable: str, right: Any) -> None:
    if not isinstance(version, str):
        raise WrongValue(variable, f"{about} must be text, not {_plain(version)!r}", right=right)
    if canonical(component) != "anaconda" and not is_version(version):
        raise WrongValue(
            variable,
            f"{about}: {version!r} is no version",
            right=right,
            hint="" if version_in(version) else VERSION_FORMS,
        )


def _right_pins(value: Any) -> dict[str, Any]:
    """Return the mapping that was meant."""
    if isinstance(value, str):
        pairs = re.findall(
            r"([A-Za-z_]\w*)[\"']?\s*[:=]+\s*[\"']?([^\s\"'}]+?)[\"']?,?(?=[\s}]|$|,\s*[\"']?[A-Za-z_])",
            value,
        )
        value = dict(pairs)
    if isinstance(value, list | tuple):
        found: dict[str, Any] = {}
        for item in value:
            found |= _right_pins(item)
        return found
    if not isinstance(value, Mapping):
        return {}
    return {
        str(component): _right_version(str(component), version)
        for component, version in value.items()
        if version not in (None, "") and not isinstance(version, Mapping | list)
    }


def _right_version(component: str, version: Any) -> Any:
    if not isinstance(version, str) or component == "anaconda" or is_version(version):
        return version
    return version_in(version) or version


def is_version(text: str) -> bool:
    """Say whether a text is a version, the beginning of one, a range, or `none`."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet  # noqa: PLC0415 - only where something is wished
    from packaging.version import InvalidVersion, Version  # noqa: PLC0415

    plain = text.strip()
    try:
        if plain[:1].isdigit():
            Version(plain)
        elif plain.lower() != NONE:
            return bool(SpecifierSet(plain))
    except (InvalidVersion, InvalidSpecifier):
        return False
    # 12.2.0-1 is a version to PEP 440 too, and means apt's; 13-0 means 13.0.
    return not re.fullmatch(r"[\d.]+-\d+", plain)


def _choice(variables: Mapping[str, Any], name: str, choices: tuple[str, ...]) -> str | None:
    value = variables.get(name)
    if value is None or value == "":
        return None
    if value not in choices:
        near = difflib.get_close_matches(str(value).lower(), choices, n=1, cutoff=0.5)
        raise WrongValue(
            name,
            f"{name} must be one of {', '.join(choices)}, not {_plain(value)!r}",
            right=near[0] if near else None,
        )
    return str(value)


def _flag(value: Any, name: str) -> bool:
    if not isinstance(value, bool):
        right = str(value).strip().lower() in ("true", "yes", "on", "1", "y", "t")
        raise WrongValue(name, f"{name} must be true or false, not {_plain(value)!r}", right=right)
    return value


def _plain(value: Any) -> Any:
    """Return a value without the tags that Ansible gives it, for a message."""
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
