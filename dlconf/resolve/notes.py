"""What a user should know of a choice although nothing is wrong: guesses, unverified rows, ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dlconf.gpunames import VENDORS
from dlconf.resolve.candidates import (
    CUDA,
    CUDNN,
    DRIVER,
    PYTHON,
    SYSTEM_COMPONENTS,
    Absent,
    Candidate,
    CudaCandidate,
    CudnnCandidate,
    DriverCandidate,
    FrameworkCandidate,
)
from dlconf.resolve.cards import unmatched
from dlconf.resolve.conflict import SUPPORTED
from dlconf.resolve.install import companions_of, needs_cudnn_cap, usable_local_cudnn
from dlconf.resolve.keep import RECORDED
from dlconf.resolve.links import is_native
from dlconf.resolve.question import Question
from dlconf.resolve.reasons import NAMES, named
from dlconf.resolve.rules import first_kernel, runs_compiled, seen_build
from dlconf.resolve.search import Problem
from dlconf.resolve.wanted import SOURCE_FIELDS


def notes_for(
    question: Question, problem: Problem, chosen: Mapping[str, Candidate]
) -> tuple[str, ...]:
    """List the notes, in the order of the components."""
    return tuple(
        dict.fromkeys(
            (
                *question.wishes.without_effect,
                *_system_notes(question),
                *_gpu_notes(question),
                *_pin_notes(question),
                *_choice_notes(question, chosen),
                *_extension_notes(problem, chosen),
                *_dropped_notes(question, problem, chosen),
            )
        )
    )


def _system_notes(question: Question) -> Iterator[str]:
    if question.machine.is_of_the_past:
        yield (
            f"this is what would fit on {question.machine.os}; dlconf does not set up such a host: "
            f"it supports {', '.join(SUPPORTED)}"
        )


def _gpu_notes(question: Question) -> Iterator[str]:
    for word in unmatched(question.machine, question.wishes.ignore_gpus):
        there = ", ".join(f"{gpu.slot} (10de:{gpu.device})" for gpu in question.machine.gpus)
        yield f"ignore_gpus names {word}, which no NVIDIA GPU here is; there are: {there or 'none'}"
    if not question.machine.gpus:
        others = "".join(
            f"; {VENDORS[vendor]} GPU is there ({vendor}:{device}), and dlconf sets up NVIDIA's only"
            for vendor, device in question.machine.other_gpus
            if vendor in VENDORS
        )
        yield f"no NVIDIA GPU: frameworks get their CPU builds, and no driver, CUDA or cuDNN{others}"
    kept = (*question.cards, *question.left_out)
    ignored = len(question.machine.gpus) - sum(len(card.slots) for card in kept)
    if ignored:
        yield f"{ignored} GPU(s) left out, as wished with ignore_gpus"
    if question.has_gpu and question.machine.nvswitches:
        row = question.universe.catalogue.rules["fabric-manager"]
        yield (
            f"NVSwitches join the GPUs: CUDA starts only with nvidia-fabricmanager of the driver's very version "
            f"running, which role nvidia_services installs (dlconf_extras) [{row.source}]"
        )
    for card in question.cards:
        if not card.known:
            yield (
                f"the catalogue does not know PCI id 10de:{card.device} ({card.slots[0]}): "
                f"{card.note} [{card.source}]"
            )
        elif not card.verified:
            yield f"the row of the {card.label} is not verified [{card.source}]"


def _pin_notes(question: Question) -> Iterator[str]:
    possible = question.can_be_chosen()
    for pin in question.pins:
        if pin.component in SYSTEM_COMPONENTS and not question.has_gpu:
            yield f"{pin.label} has no effect here: there is no NVIDIA GPU"
        elif pin.component not in possible:
            yield f"{pin.label} has no effect here: {pin.component} is not wished"
    for name in SOURCE_FIELDS if not question.has_gpu else ():
        if value := getattr(question.wishes, name):
            yield f"the wish {name}={value} has no effect here: there is no NVIDIA GPU"
    if question.wishes.keras_backend and not question.backends():
        yield f"the wish keras_backend={question.wishes.keras_backend} has no effect here: keras is not wished"


def _choice_notes(question: Question, chosen: Mapping[str, Candidate]) -> Iterator[str]:
    for candidate in chosen.values():
        if isinstance(candidate, Absent):
            yield from _absent_notes(question, candidate)
        elif not candidate.verified:
            why = candidate.row.notes if isinstance(candidate, FrameworkCandidate) else ""
            told = f": {why}" if why else ""
            yield f"{named(candidate)} rests on a row that is not verified{told} [{candidate.source}]"
        if isinstance(candidate, DriverCandidate):
            yield from _driver_notes(question, candidate)
        if isinstance(candidate, CudaCandidate) and not is_native(candidate, chosen[DRIVER]):
            yield (
                f"{named(candidate)} runs on {named(chosen[DRIVER])} by minor-version "
                f"compatibility only: compiled code runs, newer PTX and features do not; its "
                f"full feature set needs driver {candidate.row.min_driver_native}"
            )
        if isinstance(candidate, CudnnCandidate) and not candidate.row.package_version_verified:
            yield (
                f"the apt version of cuDNN {candidate.text}, {candidate.row.package_version}, "
                "follows NVIDIA's pattern; it was not seen itself"
            )
        if isinstance(candidate, CudnnCandidate):
            yield from _cudnn_repository_notes(question, candidate)
        if isinstance(candidate, FrameworkCandidate):
            yield from _framework_notes(question, candidate)
            yield from _companion_notes(question, candidate, chosen[PYTHON].text)


def _companion_notes(
    question: Question, candidate: FrameworkCandidate, python: str
) -> Iterator[str]:
    row = candidate.row
    installed = companions_of(row, python, question.universe.catalogue)
    for name in row.companions:
        if name not in installed:
            yield f"{named(candidate)} comes without {name}, which has no wheel for Python {python}"


def _absent_notes(question: Question, candidate: Candidate) -> Iterator[str]:
    if question.is_left_out(candidate.component):
        yield f"no {NAMES[candidate.component]}, as wished; what is installed of it stays"
    elif candidate.component == CUDA:
        yield (
            "no CUDA toolkit serves these GPUs on this system: none is installed; "
            "PyTorch, JAX and new TensorFlow bring their own CUDA"
        )
    elif candidate.component == CUDNN:
        yield "no cuDNN is installed on the system"


def _driver_notes(question: Question, candidate: DriverCandidate) -> Iterator[str]:
    end = candidate.branch.end_of_life
    ranking = question.ranking()
    if not ranking.is_maintained(candidate):
        yield (
            f"driver branch {candidate.branch.branch} is past its end of life ({end}) "
            f"[{candidate.branch.source}]"
        )
    if (
        candidate.package.source_name != ranking.default_source
        and not question.wishes.driver_source
    ):
        why = (
            "no CUDA toolkit fits the branch of"
            if question.cuda_needed
            else "there is no better branch for these GPUs in"
        )
        yield (
            f"the driver comes from the {candidate.package.source_name} repository: {why} "
            f"{ranking.default_source} on {question.machine.os}; the wish nvidia_driver_source "
            "decides otherwise"
        )
    yield from _kernel_notes(question, candidate)
    if candidate.verified and not candidate.package.verified:
        yield (
            f"{candidate.package.packages[0]} was seen in the archive of {question.machine.os}, "
            f"not in the {candidate.package.source_name} itself"
        )
    if candidate.package.notes:
        yield f"{candidate.package.packages[0]}: {candidate.package.notes}"


def _kernel_notes(question: Question, candidate: DriverCandidate) -> Iterator[str]:
    """Say where nobody knows that the modules build; where they are known not to, they are refused."""
    kernel, catalogue = question.kernel(), question.universe.catalogue
    seen = seen_build(candidate, kernel, catalogue)
    if seen is not None and seen.builds:
        return
    unproven = catalogue.rules["unproven-kernel"]
    first = seen.kernel if seen else first_kernel(unproven, candidate, kernel)
    if first:
        source = (
            f"{seen.source}: NVIDIA's own {seen.version} fails there" if seen else unproven.source
        )
        yield (
            f"nobody is known to have built {named(candidate)} for kernel {first} and newer, and "
            f"the host runs {kernel} [{source}]"
        )


def _cudnn_repository_notes(question: Question, candidate: CudnnCandidate) -> Iterator[str]:
    distro = question.universe.distro
    local = usable_local_cudnn(candidate, distro.id if distro else "", question)
    if local is not None and not local.verified:
        yield f"the name of the local repository {local.file} was not seen itself [{local.source}]"


def _framework_notes(question: Question, candidate: FrameworkCandidate) -> Iterator[str]:
    row = candidate.row
    if question.has_gpu and row.device == "cpu":
        yield f"{candidate.name} runs on the CPU only: no build of what is wished is for a GPU"
    if question.has_gpu and row.device == "cuda" and not row.sm_source:
        yield f"the sm codes in the wheel of {candidate.name} were not read [{candidate.source}]"
    for card in question.cards:
        if row.sm and not all(runs_compiled(row.sm, code) for code in card.codes):
            yield (
                f"{candidate.name} has no code for the {card.label}, only PTX that the driver compiles: the "
                f"first start takes minutes, and speed may suffer [{candidate.source}]"
            )
    if row.requirements_below_cc_7_5 and needs_cudnn_cap(
        question.cards, question.universe.catalogue
    ):
        cap = question.universe.catalogue.rules["cudnn-pre-turing-cap"]
        yield (
            f"{candidate.name} is installed with {', '.join(row.requirements_below_cc_7_5)}: newer cuDNN has "
            f"no code for these GPUs [{cap.source}]"
        )
    backend = question.backends().get(candidate.component)
    if candidate.component == "keras" and backend not in (None, "tensorflow"):
        word = "torch" if backend == "pytorch" else backend
        yield f"keras runs on {backend}: set KERAS_BACKEND={word}"


def _extension_notes(problem: Problem, chosen: Mapping[str, Candidate]) -> Iterator[str]:
    """Say where PyTorch's extensions find no nvcc of its CUDA, with which alone they compile.

    torch.utils.cpp_extension compares the two (Dao-AILab/flash-attention#219, open-mmlab/mmcv#876).
    """
    build, toolkit = chosen.get("pytorch"), chosen.get(CUDA)
    if not isinstance(build, FrameworkCandidate) or build.cuda is None or toolkit is None:
        return
    if isinstance(toolkit, CudaCandidate) and toolkit.release == build.cuda:
        return
    own = [
        item
        for item in problem.candidates[CUDA]
        if isinstance(item, CudaCandidate) and item.release == build.cuda
    ]
    others = {name: item for name, item in chosen.items() if name not in (CUDA, CUDNN)}
    refusals = [problem.refusal(item, others) for item in own]
    told = f"extensions of {build.name} (flash-attn, mmcv) compile only with nvcc {build.row.cuda}"
    if None in refusals:
        yield f"{told}, and the toolkit is {toolkit.text}: --pin cuda={build.row.cuda} chooses that"
    elif refusals and refusals[0] is not None:
        yield f"{told}, which cannot be had: {refusals[0][0].text} [{refusals[0][0].source}]"


def _dropped_notes(
    question: Question, problem: Problem, chosen: Mapping[str, Candidate]
) -> Iterator[str]:
    """Say which recorded choices were not kept, and why."""
    for component, candidate in chosen.items():
        recorded = question.kept.recorded(component)
        if not recorded or question.kept.level(candidate) == RECORDED:
            continue
        others = {name: item for name, item in chosen.items() if name != component}
        former = next(
            (
                item
                for item in problem.candidates[component]
                if question.kept.level(item) == RECORDED
            ),
            None,
        )
        refused = problem.refusal(former, others) if former else None
        why = (
            refused[0].text
            if refused
            else (
                "it does not fit the other choices" if former else "the catalogue no longer has it"
            )
        )
        yield f"the recorded {component} {recorded} is not kept: {why}"
