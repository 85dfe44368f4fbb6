"""From a machine and wishes to a problem for the search; and the same question without one part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from packaging.version import Version

from dlconf.resolve.candidates import (
    CUDA,
    CUDNN,
    DRIVER,
    PYTHON,
    SYSTEM_COMPONENTS,
    Absent,
    Candidate,
    FrameworkCandidate,
    Universe,
)
from dlconf.resolve.cards import Card
from dlconf.resolve.keep import Kept
from dlconf.resolve.links import links_between, requirement_of
from dlconf.resolve.pins import ANACONDA, Pin
from dlconf.resolve.ranking import Ranking
from dlconf.resolve.rules import (
    cuda_compiles_for,
    cuda_fits_system,
    cudnn_has_packages,
    cudnn_serves,
    driver_builds_on,
    driver_package_is_real,
    driver_serves,
    framework_fits_system,
    framework_runs_on,
    python_can_be_looked_into,
)
from dlconf.resolve.search import Atom, Problem, Requirement
from dlconf.resolve.wanted import SOURCE_FIELDS, pinned, without_source
from dlconf.stack import Machine
from dlconf.wishes import Wishes, canonical

DEFAULT_BACKEND = "tensorflow"


@dataclass(frozen=True, eq=False)
class Question:
    """What is asked: every part that a user could take back stands by itself."""

    machine: Machine
    universe: Universe
    kept: Kept
    cards: tuple[Card, ...]
    frameworks: tuple[str, ...]
    pins: tuple[Pin, ...]
    wishes: Wishes
    backend: str = DEFAULT_BACKEND
    cuda_needed: bool = False
    """The toolkit may not be left out: another driver is chosen rather."""
    left_out: tuple[Card, ...] = ()
    """GPUs that are left out without the user's asking for it (see dlconf.resolve.costs)."""

    @property
    def has_gpu(self) -> bool:
        """Whether the host has an NVIDIA GPU that counts."""
        return bool(self.cards)

    def is_left_out(self, component: str) -> bool:
        """Whether a component is left out because that is wished."""
        return any(pin.component == component and pin.absent for pin in self.pins)

    @property
    def active_pins(self) -> tuple[Pin, ...]:
        """The pins on components that the question has."""
        components = self.components()
        return tuple(pin for pin in self.pins if pin.component in components)

    def components(self) -> tuple[str, ...]:
        """Components in the order in which they are decided."""
        return self._components

    @cached_property
    def _components(self) -> tuple[str, ...]:
        names = (
            *self.frameworks,
            *(back for back in self.backends().values() if back not in self.frameworks),
        )
        pythons_first = self.kept.has_python()
        middle = (PYTHON, *names) if pythons_first else (*names, PYTHON)
        return (DRIVER, *middle, CUDA, CUDNN) if self.has_gpu else middle

    def backends(self) -> Mapping[str, str]:
        """Front end (Keras) -> the framework it runs on.

        TensorFlow is the one that Keras takes without being told; another where it is wished, or that fails.
        """
        return self._backends

    @cached_property
    def _backends(self) -> Mapping[str, str]:
        found = {}
        for name in self.frameworks:
            known = self._known_backends(name)
            if known and self.wishes.keras_backend:
                found[name] = self.wishes.keras_backend
            elif known:
                asked = [self.backend, DEFAULT_BACKEND]
                found[name] = next((item for item in asked if item in known), known[0])
        return found

    def with_each_backend(self) -> Iterator[Question]:
        """The question with TensorFlow under Keras, then with each other: wished frameworks first."""
        yield self
        if self.wishes.keras_backend:
            return
        known = [back for name in self.frameworks for back in self._known_backends(name)]
        wished = [name for name in self.frameworks if name in known]
        for name in dict.fromkeys((*wished, *known)):
            if name != DEFAULT_BACKEND:
                yield replace(self, backend=name)

    def _known_backends(self, name: str) -> list[str]:
        devices = self.devices_of(name)
        return list(
            dict.fromkeys(
                canonical(requirement_of(back).name)
                for row in self.universe.catalogue.frameworks[name]
                if row.device in devices
                for back in row.backends
            )
        )

    def can_be_chosen(self) -> frozenset[str]:
        """Every component of which a version can be wished: what Keras could run on among them."""
        backends = [back for name in self.frameworks for back in self._known_backends(name)]
        return frozenset((*SYSTEM_COMPONENTS, PYTHON, ANACONDA, *self.frameworks, *backends))

    def atoms(self) -> tuple[Atom, ...]:
        """The parts that can be taken back."""
        return (
            *self._pin_atoms().values(),
            *self._source_atoms().values(),
            *self._card_atoms().values(),
            *self._framework_atoms(),
        )

    def without(self, atom: Atom) -> Question:
        """The same question without one part."""
        return replace(
            self,
            pins=tuple(pin for pin in self.pins if _pin_key(pin) != atom.key),
            cards=tuple(card for card in self.cards if _card_key(card) != atom.key),
            frameworks=tuple(name for name in self.frameworks if f"framework {name}" != atom.key),
            wishes=without_source(self.wishes, atom.key),
        )

    def problem(self) -> Problem:
        """Make the problem for the search."""
        requirements = tuple(self._requirements())
        components = self.components()
        names = [name for name in components if name not in (*SYSTEM_COMPONENTS, PYTHON)]
        ranking = self.ranking()
        candidates = {name: self._ordered(name, ranking) for name in components}
        links = links_between(self.cards, names, has_gpu=self.has_gpu, backends=self.backends())
        return Problem(candidates, requirements, links, self.atoms())

    def ranking(self) -> Ranking:
        """The preferences on this host."""
        return Ranking(
            self.universe.catalogue,
            self.machine.os,
            wants_network=self.wishes.cuda_source == "network",
            any_framework=bool(self.frameworks),
        )

    def glibc(self) -> Version | None:
        """C library of the host, else of its release."""
        distro = self.universe.distro
        text = self.machine.glibc or (distro.glibc if distro else None)
        return Version(text) if text else None

    def kernel(self) -> str:
        """The kernel that modules must be built for; "" where a loaded driver has shown that they can be."""
        return "" if self.machine.driver_names else self.machine.kernel

    def _ordered(self, component: str, ranking: Ranking) -> Sequence[Candidate]:
        devices = self.devices_of(component)
        needed = self.cuda_needed and component == CUDA
        key = (component, self.has_gpu, needed, devices, *ranking.key)
        if key not in self.universe.ordered:
            candidates = [
                item
                for item in self.universe.of(component)
                if not isinstance(item, FrameworkCandidate) or item.row.device in devices
            ]
            if component in _ABSENT and not needed:
                candidates.append(_ABSENT[component])
            self.universe.ordered[key] = tuple(ranking.ordered(candidates))
        ordered = self.universe.ordered[key]
        return sorted(ordered, key=self.kept.level) if self.kept.anything else ordered

    def _requirements(self) -> Iterator[Requirement]:
        for (pin_key, atom), pin in zip(self._pin_atoms().items(), self.active_pins, strict=True):
            del pin_key
            yield Requirement(pin.component, pinned(pin), atom)
        for name in self.components():
            if name not in (*SYSTEM_COMPONENTS, PYTHON):
                yield Requirement(name, framework_fits_system(self.glibc()))
        if not self.machine.is_of_the_past:  # of what nobody sets up, anything may be asked
            yield Requirement(PYTHON, python_can_be_looked_into(self.universe.catalogue))
        if self.has_gpu:
            yield from self._gpu_requirements()

    def devices_of(self, framework: str) -> frozenset[str]:
        """Kinds of build that fit the host: for the GPU where there is one and builds for it.

        All kinds of a framework that can no longer be installed: its rows say why. Builds for the
        CPU too, where only such are of the versions that are wished.
        """
        if framework not in self._devices:
            self._devices[framework] = self._devices_of(framework)
        return self._devices[framework]

    @cached_property
    def _devices(self) -> dict[str, frozenset[str]]:
        return {}

    def _devices_of(self, framework: str) -> frozenset[str]:
        rows = self.universe.catalogue.frameworks.get(framework, ())
        kinds = {row.device for row in rows}
        if not any(row.installable for row in rows):
            return frozenset(kinds)
        if self.has_gpu and "cuda" in kinds and not self._wishes_cpu_build(framework):
            return frozenset(("cuda", "any"))
        return frozenset(("cpu", "any"))

    def _wishes_cpu_build(self, framework: str) -> bool:
        """Whether what is wished of a framework has builds, and none of them is for a GPU."""
        pins = [pin for pin in self.pins if pin.component == framework]
        allowed = [
            item.row
            for item in (self.universe.framework(framework) if pins else ())
            if all(pin.allows(item) for pin in pins) and item.row.installable
        ]
        return bool(allowed) and all(row.device == "cpu" for row in allowed)

    def _gpu_requirements(self) -> Iterator[Requirement]:
        catalogue = self.universe.catalogue
        cards = self._card_atoms()
        for card in self.cards:
            atom = cards[_card_key(card)]
            yield Requirement(DRIVER, driver_serves(card, catalogue), atom)
            yield Requirement(CUDA, cuda_compiles_for(card), atom)
            yield Requirement(CUDNN, cudnn_serves(card, catalogue), atom)
            for name in self.components():
                if name not in (*SYSTEM_COMPONENTS, PYTHON):
                    yield Requirement(name, framework_runs_on(card, catalogue), atom)
        yield Requirement(DRIVER, driver_package_is_real)
        yield Requirement(DRIVER, driver_builds_on(self.kernel(), catalogue))
        yield Requirement(CUDA, cuda_fits_system(self.universe.distro, self.glibc(), catalogue))
        yield Requirement(CUDNN, cudnn_has_packages)
        for field, atom in self._source_atoms().items():
            component, rule = SOURCE_FIELDS[field]
            yield Requirement(component, rule(getattr(self.wishes, field)), atom)

    def _pin_atoms(self) -> dict[str, Atom]:
        return {
            _pin_key(pin): Atom(pin.origin, pin.label, pin.component, _pin_key(pin))
            for pin in self.active_pins
        }

    def _card_atoms(self) -> dict[str, Atom]:
        return {
            _card_key(card): Atom("gpu", f"the {card.label}", DRIVER, _card_key(card))
            for card in self.cards
        }

    def _framework_atoms(self) -> list[Atom]:
        return [
            Atom("framework", f"the framework {name}", name, f"framework {name}")
            for name in self.frameworks
        ]

    def _source_atoms(self) -> dict[str, Atom]:
        if not self.has_gpu:
            return {}
        return {
            field: Atom("source", f"the wish {field}={value}", component, f"source {field}")
            for field, (component, _) in SOURCE_FIELDS.items()
            if (value := getattr(self.wishes, field))
        }


_ABSENT = {name: Absent(component=name) for name in (CUDA, CUDNN)}


def _pin_key(pin: Pin) -> str:
    return f"{pin.origin} {pin.component} {pin.text}"


def _card_key(card: Card) -> str:
    return f"gpu {card.slots[0]}"
