"""The packages of cuDNN, as NVIDIA's repositories have them for each major release of CUDA."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from tests.lab.mirror.answers import WIDE, Answers
from tests.lab.mirror.debs import Deb
from tests.lab.mirror.relations import GUESS, Relation, depends
from tests.lab.mirror.repositories import library_link

LIBRARIES = "/usr/lib/x86_64-linux-gnu"
SECTION = "multiverse/libs"
FIRST_WITH_HEADERS = (9, 10, 1)  # row cudnn-headers
FIRST_WITH_JIT = (9, 12)  # row cudnn-jit


def cudnn_packages(version: str, cuda_release: str, answers: Answers = WIDE) -> Iterator[Deb]:
    """Yield the packages of cuDNN 9 for one CUDA major.

    Args:
        version: of cuDNN, in four parts.
        cuda_release: the release of CUDA that it was built with, `12.9`: it is in one package's name.
        answers: to what is not known of the relations.
    """
    major, tail = cuda_release.split(".", maxsplit=1)[0], cuda_release.replace(".", "-")
    apt_version = f"{version}-1"
    for deb in (
        *_libraries(version, major),
        *_metapackages(version, major, tail, answers),
        *(_jit(version, major, tail) if numbers(version) >= FIRST_WITH_JIT else ()),
    ):
        yield replace(
            deb, version=apt_version, section=SECTION, relations=_with_conflict(deb, major, answers)
        )


def top_packages(version: str) -> Iterator[Deb]:
    """Yield the packages that name no CUDA: `cudnn`, `cudnn9` and the samples."""
    short = ".".join(version.split(".")[:3]) + "-1"
    either = "cudnn9-cuda-13 | cudnn9-cuda-12"
    yield Deb("cudnn", short, section=SECTION, relations=depends("cudnn-top", "cudnn9"))
    nine = (*depends("cudnn-top", either), *depends("cudnn-top", "libcudnn9-samples"))
    yield Deb("cudnn9", short, section=SECTION, relations=nine)
    yield Deb("libcudnn9-samples", f"{version}-1", "all", SECTION)


def cudnn8_packages(version: str) -> Iterator[Deb]:
    """Yield the packages of cuDNN 8; `version` is the packages', `8.7.0.84-1+cuda11.8`."""
    yield Deb("libcudnn8", version, section=SECTION)
    same = depends(GUESS, f"libcudnn8 (= {version})")
    yield Deb("libcudnn8-dev", version, section=SECTION, relations=same)


def numbers(version: str) -> tuple[int, ...]:
    """Return a version's numbers, which sort as versions do."""
    return tuple(int(part) for part in version.split("."))


def _libraries(version: str, major: str) -> Iterator[Deb]:
    same, tail = f"(= {version}-1)", f"cuda-{major}"
    yield Deb(f"libcudnn9-{tail}", "", files=library_link(LIBRARIES, "libcudnn", version))
    needs = [f"libcudnn9-{tail} {same}"]
    header = _header(version)
    if numbers(version) >= FIRST_WITH_HEADERS:
        needs.append(f"libcudnn9-headers-{tail} {same}")
        yield Deb(f"libcudnn9-headers-{tail}", "", files={_HEADER: header})
        header = ""
    files = {_HEADER: header} if header else {}
    yield Deb(f"libcudnn9-dev-{tail}", "", files=files, relations=depends("cudnn-dev", *needs))
    static = depends(GUESS, f"libcudnn9-dev-{tail} {same}")
    yield Deb(f"libcudnn9-static-{tail}", "", relations=static)


_HEADER = "/usr/include/x86_64-linux-gnu/cudnn_version_v9.h"


def _header(version: str) -> str:
    names = ("MAJOR", "MINOR", "PATCHLEVEL")
    pairs = zip(names, version.split("."), strict=False)
    return "".join(f"#define CUDNN_{name} {value}\n" for name, value in pairs)


def _metapackages(version: str, major: str, tail: str, answers: Answers) -> Iterator[Deb]:
    limit = f"({'=' if answers.cudnn_chain_exact else '>='} {version}-1)"
    parts = [f"libcudnn9-{part}-cuda-{major} {limit}" for part in ("dev", "static")]
    yield Deb(f"cudnn9-cuda-{tail}", "", relations=depends("cudnn-release", *parts))
    newest = depends("cudnn-meta", f"cudnn9-cuda-{tail} (>= {version}-1)")
    yield Deb(f"cudnn9-cuda-{major}", "", relations=newest)


def _jit(version: str, major: str, tail: str) -> Iterator[Deb]:
    same = f"(= {version}-1)"
    library, development = f"libcudnn9-jit-cuda-{major}", f"libcudnn9-jit-dev-cuda-{major}"
    yield Deb(library, "")
    headers = f"libcudnn9-headers-cuda-{major} {same}"
    yield Deb(development, "", relations=depends(GUESS, f"{library} {same}", headers))
    release = depends("cudnn-jit", f"{development} {same}")
    yield Deb(f"cudnn9-jit-cuda-{tail}", "", relations=release)
    newest = depends(GUESS, f"cudnn9-jit-cuda-{tail} (>= {version}-1)")
    yield Deb(f"cudnn9-jit-cuda-{major}", "", relations=newest)


def _with_conflict(deb: Deb, major: str, answers: Answers) -> tuple[Relation, ...]:
    """Add to the files' owners that only one CUDA major's can be there, where that is the answer."""
    shared = deb.name.removesuffix(f"-cuda-{major}")
    if not answers.cudnn_majors_conflict or shared == deb.name or deb.name.startswith("cudnn9"):
        return deb.relations
    return (
        *deb.relations,
        Relation("Provides", shared, GUESS),
        Relation("Conflicts", shared, GUESS),
    )
