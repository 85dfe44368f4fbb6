"""The real compiler of a CUDA toolkit: files of NVIDIA's wheels on PyPI, in packages laid out as NVIDIA's are.

Left out is what no compile with nvcc needs: the library libnvvm and its header, which are for makers of other
compilers, and the headers of CCCL (Thrust, CUB, libcu++), which come in a package of their own.
"""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.command import LabError
from tests.lab.mirror.cuda import CudaRelease
from tests.lab.mirror.debs import Content, Deb, Link
from tests.lab.mirror.wheels import download

TARGET = "targets/x86_64-linux"

# The wheel's own finds headers and libraries beside each other; the packages' finds them below the target. The text is
# that of an installed toolkit of CUDA 12 and 13, as public recipes quote it (nixpkgs, cuda-modules).
PROFILE = (
    (b"$(TOP)/include", b"$(TOP)/$(_TARGET_DIR_)/include"),
    (b"-L$(TOP)/lib", b"-L$(TOP)/$(_TARGET_DIR_)/lib$(_TARGET_SIZE_)"),
)


@dataclass(frozen=True)
class Part:
    """What a package takes of a wheel.

    Attributes:
        wheel: the wheel's name on PyPI.
        places: how paths in the wheel begin -> how they begin below the toolkit's folder.
        links: further symbolic links below the toolkit's folder -> their targets.
    """

    wheel: str
    places: Mapping[str, str]
    links: Mapping[str, str]


def parts(cuda: CudaRelease) -> dict[str, Part]:
    """Return the packages of a toolkit that hold real files, by their names without the release."""
    major = cuda.release.split(".", maxsplit=1)[0]
    headers = {"include/": f"{TARGET}/include/"}
    library = {f"lib/libcudart.so.{major}": f"{TARGET}/lib/libcudart.so.{cuda.nvcc}"}
    static = {
        f"lib/{name}.a": f"{TARGET}/lib/{name}.a" for name in ("libcudart_static", "libcudadevrt")
    }
    links = {"include": f"{TARGET}/include", f"{TARGET}/lib/libcudart.so": f"libcudart.so.{major}"}
    return {
        "cuda-nvcc": Part("nvidia-cuda-nvcc", {"bin/": "bin/"} | headers, {}),
        "cuda-nvvm": Part("nvidia-nvvm", {"nvvm/": "nvvm/"}, {}),
        "cuda-crt": Part("nvidia-cuda-crt", headers, {}),
        "cuda-cuobjdump": Part("nvidia-cuda-cuobjdump", {"bin/": "bin/"}, {}),
        "cuda-cudart": Part("nvidia-cuda-runtime", library, {}),
        "cuda-cudart-dev": Part("nvidia-cuda-runtime", headers | static, links),
    }


def with_compiler(debs: Iterable[Deb], cuda: CudaRelease, python: str) -> Iterator[Deb]:
    """Yield a toolkit's packages, those of its compiler and runtime with the real files.

    NVIDIA's own metapackage on PyPI says which wheels make up the release.

    Args:
        debs: the toolkit's packages as stand-ins; names, versions and relations stay theirs.
        cuda: the toolkit.
        python: the version of Python that the wheels are asked for.

    Raises:
        LabError: a wheel cannot be fetched, or is not what it was.
    """
    requirement = f"cuda-toolkit[nvcc,cuobjdump]=={cuda.version}"
    with tempfile.TemporaryDirectory(prefix="dlconf-compiler-") as scratch:
        try:
            download([requirement], Path(scratch), python, with_needs=True)
        except LabError as error:
            raise LabError(
                f"the real compiler of CUDA {cuda.version} cannot be fetched with pip ({requirement}): {error}"
            ) from error
        yield from wrapped(debs, cuda, Path(scratch))


def wrapped(debs: Iterable[Deb], cuda: CudaRelease, folder: Path) -> Iterator[Deb]:
    """Yield packages of a toolkit, those of `parts` with the files of the wheels in a folder.

    Raises:
        LabError: a wheel is missing, or has none of the files.
    """
    real = {f"{name}-{cuda.suffix}": part for name, part in parts(cuda).items()}
    for deb in debs:
        yield _wrapped(deb, cuda, real[deb.name], folder) if deb.name in real else deb


def _wrapped(deb: Deb, cuda: CudaRelease, part: Part, folder: Path) -> Deb:
    home = f"/usr/local/cuda-{cuda.release}"
    wheel = next(folder.glob(f"{part.wheel.replace('-', '_')}-*.whl"), None)
    if wheel is None:
        raise LabError(f"{deb.name} needs the wheel {part.wheel}, and it was not fetched")
    found = dict(_files(wheel, cuda, part))
    if not found:
        raise LabError(f"{deb.name} needs files of {wheel.name}, and it has none of them")
    files: dict[str, Content] = {
        **deb.files,
        **{f"{home}/{path}": text for path, text in found.items()},
    }
    files |= {f"{home}/{path}": Link(target) for path, target in part.links.items()}
    return replace(deb, files=files, wraps=f"{part.wheel} {wheel.name.split('-')[1]}")


def _files(wheel: Path, cuda: CudaRelease, part: Part) -> Iterator[tuple[str, bytes]]:
    """Yield the part's files: path below the toolkit's folder, and bytes."""
    root = f"nvidia/cu{cuda.release.split('.', maxsplit=1)[0]}/"
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            path = name.removeprefix(root)
            for prefix, place in part.places.items():
                if path != name and path.startswith(prefix) and not path.endswith("/"):
                    yield place + path.removeprefix(prefix), _text(path, archive.read(name))


def _text(path: str, text: bytes) -> bytes:
    for old, new in PROFILE if path == "bin/nvcc.profile" else ():
        text = text.replace(old, new)
    return text
