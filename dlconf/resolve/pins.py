"""The user's words for versions: pins and framework wishes, parsed and checked for typing errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from dlconf.catalogue import Catalogue
from dlconf.errors import UsageError, nearest_names
from dlconf.resolve.candidates import DRIVER, SYSTEM_COMPONENTS, Candidate, Universe
from dlconf.wishes import Wishes

ALIASES = {"torch": "pytorch", "tf": "tensorflow", "nvidia_driver": DRIVER}
PREFIX = re.compile(r"\d+(\.\d+)*")
WISH = re.compile(r"\s*([A-Za-z][\w.-]*?)\s*((?:[=<>!~]=|[<>]|===).*)?\s*")
ANACONDA = "anaconda"


@dataclass(frozen=True, eq=False, slots=True)
class Pin:
    """What the user allows of one component.

    Attributes:
        component: canonical name; text: the versions, as written.
        origin: `pin`, or `wish` where it stands with a framework's name.
    """

    component: str
    text: str
    origin: str
    prefix: tuple[int, ...] | None
    exact: Version | None
    specifiers: SpecifierSet | None

    @property
    def label(self) -> str:
        """The pin in the user's words."""
        if self.origin == "wish":
            return f"the wish {self.component}{self.text}"
        return f"the pin {self.component}={self.text}"

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


def canonical(name: str) -> str:
    """Give a component its catalogue name ("torch" is pytorch)."""
    plain = name.strip().lower()
    return ALIASES.get(plain, plain)


def parse_pin(component: str, text: str, origin: str = "pin") -> Pin:
    """Read one pin.

    Raises:
        UsageError: the text is no version, prefix or specifier set.
    """
    name, plain = canonical(component), text.strip()
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
            hint="write an exact version (12.8.1), a prefix (12.8) or a range (>=12.4,<13)",
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
            raise UsageError(
                f"no framework is called {name!r}",
                hint=nearest_names(name, catalogue.frameworks),
            )
        if match and match.group(2):
            pins.append(parse_pin(name, match.group(2), "wish"))
        if name not in frameworks:
            frameworks.append(name)
    return frameworks, list({(pin.component, pin.text, pin.origin): pin for pin in pins}.values())


def check_versions(pins: Iterable[Pin], universe: Universe) -> None:
    """Refuse pins that no row of the catalogue has.

    Raises:
        UsageError: no known version is allowed; the nearest ones are the hint.
    """
    for pin in pins:
        if pin.component == ANACONDA:
            continue  # not of PEP 440 form: see dlconf.resolve.conda
        versions = _versions(pin.component, universe)
        if any(pin.allows_version(version) for version in versions):
            continue
        if pin.specifiers is not None:
            raise UsageError(
                f"no known version of {pin.component} is {pin.text}",
                hint=f"newest: {_newest(versions)}",
            )
        raise UsageError(
            f"{pin.component} has no version {pin.text} in the catalogue",
            hint=nearest_names(pin.text, [str(item) for item in sorted(versions, reverse=True)]),
        )


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


def _newest(versions: Sequence[Version]) -> str:
    return ", ".join(str(version) for version in sorted(set(versions), reverse=True)[:5])
