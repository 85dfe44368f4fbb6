"""What collect asks apt: with its own, cheaper preferences apt must answer as with the host's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlconf.plugins.modules import dlconf_collect as collect

NAMES = ["cuda-nvcc-12-9", "libcuda1", "libnvidia-gl-580", "nvidia-driver-580", "xnvidiax"]
APT = """\
Dir "{root}";
Dir::Etc::parts "/dev/null";
Dir::State::status "{root}/status";
APT::Sandbox::User "";
"""
STANZA = """\
Package: {name}
Version: {version}
Architecture: amd64
Source: {source}
Maintainer: nobody <nobody@lab.test>
Filename: ./{name}.deb
Size: 1
SHA256: {sha256}
"""
PREFERENCES = {
    "exact": 'Package: libcuda1 xnvidiax\nPin: origin ""\nPin-Priority: -1\n',
    "globs": "Package: nvidia-* lib*-nvidia* libnvidia-?l-*\nPin: version 1.*\nPin-Priority: 1001\n",
    "everything": "Package: *\nPin: release l=Other\nPin-Priority: 1001\n",
    "a star among others": "Package: xnvidiax *\nPin: version 1.0\nPin-Priority: 1001\n",
    "regular expression": "Package: /-[0-9]+-[0-9]+$/\nPin: version 1.0\nPin-Priority: 1001\n",
    "class": "Package: *-[0-9][0-9]-[0-9] lib[a-z]uda1\nPin: version 1.0\nPin-Priority: 1001\n",
    "class turned round": "Package: [!n]*-580\nPin: version 1.0\nPin-Priority: 1001\n",
    "capitals": "package: NVIDIA-* Libcuda1\npin: version 1.0\npin-priority: 1001\n",
    "source": "Package: src:nvidia-graphics-*\nPin: version 1.0\nPin-Priority: 1001\n",
    "architecture": "Package: nvidia-*:amd64\nPin: version 1.0\nPin-Priority: 1001\n",
    "no match": "Package: mesa-* vulkan-*\nPin: version 1.0\nPin-Priority: 1001\n",
    "folded, with comments": (
        "# first\n\nExplanation: why: nvidia-*\nPackage: mesa-*\n nvidia-*\n\tlibcuda*\n# within\n"
        "Pin: version 1.0\nPin-Priority: 1001\n\n\n# last\n"
    ),
    "the first record counts": (
        "Package: nvidia-driver-*\nPin: version 1.0\nPin-Priority: 1001\n\n"
        "Package: *nvidia*\nPin: version *\nPin-Priority: -1\n"
    ),
    "no record": "Pin: version 1.0\nPin-Priority: 1001\n",
}
needs_apt = pytest.mark.skipif(not shutil.which("apt-ftparchive"), reason="needs apt-utils")


@pytest.fixture(scope="module")
def apt() -> Iterator[Path]:
    """An apt of its own: two repositories of two versions, of which the older are installed.

    It is asked as nobody, so it lies where everyone may go: any other run of pytest closes pytest's own folder.
    """
    with tempfile.TemporaryDirectory(prefix="dlconf-apt-") as name:
        Path(name).chmod(0o755)
        set_up(Path(name))
        yield Path(name)


def set_up(root: Path) -> None:
    """Write the repositories and what is installed, and let apt fetch its lists."""
    for folder in ("etc/apt/preferences.d", "var/lib/apt/lists/partial", "var/cache/apt/archives"):
        (root / folder).mkdir(parents=True)
    sources = []
    for label, version in (("First", "1.0"), ("Other", "2.0")):
        repository = root / label
        repository.mkdir()
        (repository / "Packages").write_text(stanzas(version))
        release = subprocess.run(
            ["apt-ftparchive", f"-oAPT::FTPArchive::Release::Label={label}", "release", "."],
            cwd=repository, check=True, capture_output=True,
        )  # fmt: skip
        (repository / "Release").write_bytes(release.stdout)
        sources.append(f"deb [trusted=yes] file:{repository} ./\n")
    (root / "etc/apt/sources.list").write_text("".join(sources))
    installed = "".join(f"{stanza}\n\n" for stanza in stanzas("1.0").split("\n\n") if stanza)
    (root / "status").write_text(
        installed.replace("\nVersion", "\nStatus: install ok installed\nVersion")
    )
    (root / "apt.conf").write_text(APT.format(root=root))
    environment = os.environ | {"APT_CONFIG": str(root / "apt.conf")}
    subprocess.run(["apt-get", "update"], env=environment, check=True, capture_output=True)


def stanzas(version: str) -> str:
    return "\n".join(
        STANZA.format(
            name=name, version=version, sha256="0" * 64,
            source="nvidia-graphics-drivers-580" if "nvidia" in name else name,
        )
        for name in NAMES
    )  # fmt: skip


def policy_of_the_host(apt: Path) -> str | None:
    done = subprocess.run(
        ["apt-cache", "policy", "--", *NAMES],
        env=os.environ | {"APT_CONFIG": str(apt / "apt.conf"), "LC_ALL": "C"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout if done.returncode == 0 else None


@needs_apt
@pytest.mark.parametrize("case", PREFERENCES)
def test_apt_answers_as_with_the_preferences_of_the_host(
    monkeypatch: pytest.MonkeyPatch, apt: Path, case: str
) -> None:
    for path in (apt / "etc/apt/preferences.d").iterdir():
        path.unlink()
    (apt / "etc/apt/preferences.d/lab").write_text(PREFERENCES[case])
    monkeypatch.setenv("APT_CONFIG", str(apt / "apt.conf"))
    pins = collect.narrowed_preferences(collect.preferences(), NAMES)
    answer = collect.apt_policy(pins, ["--", *NAMES])
    assert answer == policy_of_the_host(apt)
    chosen = collect.candidates(NAMES)
    assert (chosen is None) == (case == "no record")
    if case == "no match":
        assert chosen is not None
        assert {package["version"] for package in chosen.values()} == {"2.0"}


def test_patterns_stand_for_the_names_that_they_match() -> None:
    text = "# nvidia-*\nPackage: *-[0-9][0-9]-[0-9] lib*a1 mesa-* bash /x*/ src:a*\nPin: version 1.*\n\nPackage: *\n"
    assert collect.narrowed_preferences(text, NAMES) == (
        "# nvidia-*\nPackage: cuda-nvcc-12-9 libcuda1 bash /x*/ src:a*\nPin: version 1.*\n\nPackage: *\n"
    )


@needs_apt
def test_the_files_are_those_that_apt_reads_in_its_order(
    monkeypatch: pytest.MonkeyPatch, apt: Path
) -> None:
    names = [
        "b",
        "a.pref",
        "B",
        "c-1.pref",
        "d.disabled",
        "e~",
        ".hidden",
        "f.g.pref",
        "h.pref.old",
    ]
    for name in [*names, "../preferences"]:
        text = f"Package: nvidia-driver-580\nPin: version 1.0\nPin-Priority: 10{len(name):02}\n"
        (apt / "etc/apt/preferences.d" / name).write_text(f"# {Path(name).name}\n{text}")
    monkeypatch.setenv("APT_CONFIG", str(apt / "apt.conf"))
    read = [line[2:] for line in collect.preferences().splitlines() if line.startswith("#")]
    assert read == ["preferences", "B", "a.pref", "b", "c-1.pref", "f.g.pref"]
    for name in ["../preferences", *names]:
        pins = collect.narrowed_preferences(collect.preferences(), NAMES)
        assert collect.apt_policy(pins, ["--", *NAMES]) == policy_of_the_host(apt), name
        (apt / "etc/apt/preferences.d" / name).unlink()


def test_a_python_without_files_in_memory_asks_with_the_preferences_of_the_host(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(collect, "output_of", lambda argv, stdin=0, **_: asked.append(argv))
    monkeypatch.delattr(os, "memfd_create")
    assert collect.apt_policy("Package: x\n", ["--", "x"]) is None
    assert asked == [["apt-cache", "policy", "--", "x"]]
