"""The user's words for versions: pins and framework wishes, parsed and checked for typing errors."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from dlconf.catalogue import Catalogue
from dlconf.content import EXTRA_ROLES
from dlconf.errors import UsageError, nearest_names
from dlconf.resolve.candidates import (
    CUDA,
    CUDNN,
    DRIVER,
    PYTHON,
    SYSTEM_COMPONENTS,
    Candidate,
    Universe,
)
from dlconf.wishes import NONE, VERSION_FORMS, WISH, Wishes, canonical
from dlconf.written import line

PREFIX = re.compile(r"\d+(\.\d+)*")
ANACONDA = "anaconda"
CAN_BE_LEFT_OUT = (CUDA, CUDNN, ANACONDA)
MINOR = 2
"""How many numbers of a version name its minor release."""


@dataclass(frozen=True, eq=False, slots=True)
class Pin:
    """What the user allows of one component.

    Attributes:
        component: canonical name; text: the versions, as written.
        origin: `pin`, or `wish` where it stands with a framework's name.
        absent: the component is to be left out.
    """

    component: str
    text: str
    origin: str
    prefix: tuple[int, ...] | None
    exact: Version | None
    specifiers: SpecifierSet | None
    absent: bool = False

    @property
    def label(self) -> str:
        """The pin in the user's words."""
        if self.origin == "wish":
            return f"the wish {self.component}{self.text}"
        return f"the pin {self.component}={self.text}"

    def only_version(self) -> Version | None:
        """The one version that is allowed, of at least three numbers; None for a range."""
        found = self.exact
        if self.prefix is not None:
            found = Version(self.text)
        elif self.specifiers is not None and len(self.specifiers) == 1:
            item = next(iter(self.specifiers))
            if item.operator == "==" and not item.version.endswith("*"):
                found = Version(item.version)
        return found if found is not None and len(found.release) > MINOR else None

    def allows(self, candidate: Candidate) -> bool:
        """Whether a candidate's version is one of these."""
        return self.allows_version(candidate.version)

    def allows_version(self, version: Version) -> bool:
        """Whether a version is one of these: a prefix, an exact version or a specifier set."""
        if self.prefix is not None:
            return version.release[: len(self.prefix)] == self.prefix
        if self.exact is not None:
            return version == self.exact
        return self.specifiers is not None and self.specifiers.contains(version, prereleases=True)


def parse_pin(component: str, text: str, origin: str = "pin") -> Pin:
    """Read one pin.

    Raises:
        UsageError: the text is no version, prefix or specifier set.
    """
    name, plain = canonical(component), text.strip()
    if plain.lower() == NONE:
        if name not in CAN_BE_LEFT_OUT:
            raise UsageError(
                f"{name} cannot be none",
                hint=f"{', '.join(CAN_BE_LEFT_OUT)} can; dlconf_ignore_gpus leaves out a GPU and so its driver, "
                "and dlconf_frameworks names the frameworks",
            )
        return Pin(name, NONE, origin, None, None, None, absent=True)
    if name == ANACONDA:
        return Pin(name, plain, origin, None, None, None)
    if PREFIX.fullmatch(plain):
        return Pin(name, plain, origin, tuple(int(part) for part in plain.split(".")), None, None)
    try:
        if plain[:1].isdigit():
            return Pin(name, plain, origin, None, Version(plain), None)
        return Pin(name, plain, origin, None, None, SpecifierSet(plain))
    except (InvalidVersion, InvalidSpecifier):
        raise UsageError(
            f"{component}: {text!r} is no version",
            hint=VERSION_FORMS,
        ) from None


def parse_wishes(wishes: Wishes, catalogue: Catalogue) -> tuple[list[str], list[Pin]]:
    """Read the wished frameworks, without doubles, and every pin.

    Raises:
        UsageError: a component that does not exist (the nearest names are the hint), or a version
            that is none.
    """
    frameworks: list[str] = []
    pins = [parse_pin(_known(name, catalogue), text) for name, text in wishes.pins.items()]
    for wish in wishes.frameworks:
        match = WISH.fullmatch(wish)
        name = canonical(match.group(1)) if match else wish
        if name not in catalogue.frameworks:
            raise _no_framework(name, match.group(2) if match else None, catalogue)
        if match and match.group(2):
            pins.append(parse_pin(name, match.group(2), "wish"))
        if name not in frameworks:
            frameworks.append(name)
    return frameworks, list({(pin.component, pin.text, pin.origin): pin for pin in pins}.values())


def _no_framework(name: str, versions: str | None, catalogue: Catalogue) -> UsageError:
    """Return the error about a wish that names a component, a role or nothing that there is."""
    hint = nearest_names(name, catalogue.frameworks)
    if name in (*SYSTEM_COMPONENTS, PYTHON, ANACONDA):
        hint = "every host with a use for it gets it" + (
            f"; a version of it stands in {line('dlconf_pins', {name: versions}, 'yaml')}"
            if versions
            else ""
        )
    elif name in EXTRA_ROLES:
        hint = f"it is a role: {line('dlconf_extras', [name], 'yaml')}"
    return UsageError(f"no framework is called {name!r}", hint=hint)


def check_versions(pins: Iterable[Pin], universe: Universe) -> None:
    """Refuse pins that no row of the catalogue has.

    Raises:
        UsageError: no known version is allowed; the nearest ones are the hint.
    """
    for pin in pins:
        if pin.component == ANACONDA or pin.absent:
            continue  # not of PEP 440 form: see dlconf.resolve.conda
        versions = _versions(pin.component, universe)
        if any(pin.allows_version(version) for version in versions):
            continue
        what = f"{pin.component} has no version {pin.text} in the catalogue"
        if pin.specifiers is not None:
            what = f"no known version of {pin.component} is {pin.text}"
        raise UsageError(what, hint=_nearest(pin, versions))


def _nearest(pin: Pin, versions: Sequence[Version]) -> str:
    """Name the nearest known versions of the same minor release; else of the same major; else the newest."""
    number = re.search(PREFIX, pin.text)
    asked = Version(number[0]) if number else None
    public = sorted({Version(item.public) for item in versions})
    for length in (MINOR, 1):
        if asked is None:
            break
        release = asked.release[:length]
        near = [item for item in public if item.release[:length] == release]
        if near and len(release) == length:
            place = bisect(near, asked)
            nearest = sorted(near, key=lambda item: abs(near.index(item) + 0.5 - place))
            name = ".".join(map(str, release))
            return f"known of {pin.component} {name}, the nearest first: {_listed(nearest)}"
    return f"newest: {_listed(public[::-1])}"


def _listed(versions: Sequence[Version]) -> str:
    return ", ".join(map(str, versions[:5]))


def _versions(component: str, universe: Universe) -> list[Version]:
    catalogue = universe.catalogue
    versions = [candidate.version for candidate in universe.of(component)]
    if component == DRIVER:
        versions += [Version(row.latest_version) for row in catalogue.drivers.values()]
    return versions


def _known(name: str, catalogue: Catalogue) -> str:
    known = (*SYSTEM_COMPONENTS, "python", ANACONDA, *catalogue.frameworks)
    if canonical(name) not in known:
        raise UsageError(f"no component is called {name!r}", hint=nearest_names(name, known))
    return name
