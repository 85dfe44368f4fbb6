"""What apt's source files state: read as the apt at hand reads it, and set aside so that it can be put back."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from dlconf.plugins.module_utils import dlconf_apt
from dlconf.plugins.modules import dlconf_apt_closure, dlconf_apt_file

PPA = "https://ppa.launchpadcontent.net/graphics-drivers/ppa/ubuntu"
CUDA = "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2204/x86_64/"
KEYS = ("", "/usr/share/keyrings/a.gpg", "/usr/share/keyrings/b.gpg")
INLINE = "\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n .\n mQINBF\n -----END PGP PUBLIC KEY BLOCK-----"
FOLDER = Path(dlconf_apt.FOLDER)
Write = Callable[[dict[str, str]], Path]

needs_apt = pytest.mark.skipif(not shutil.which("apt-get"), reason="needs apt")


def one_line(key: str, uri: str = PPA, suite: str = "jammy", components: str = "main") -> str:
    options = f"[arch=amd64 signed-by={key}] " if key else ""
    return f"deb {options}{uri} {suite} {components}\n"


def stanza(key: str, uri: str = PPA, suite: str = "jammy") -> str:
    signed_by = f"Signed-By: {key}\n" if key else ""
    return f"Types: deb\nURIs: {uri}\nSuites: {suite}\nComponents: main\n{signed_by}"


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write source files, named by their names in the folder, and return the system's root."""

    def written(files: dict[str, str]) -> Path:
        for name, text in files.items():
            path = tmp_path / f"{FOLDER / name}".lstrip("/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        return tmp_path

    return written


def apt_reads(root: Path) -> bool:
    for folder in ("var/lib/dpkg", "var/lib/apt/lists/partial", "etc/apt/preferences.d"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "var/lib/dpkg/status").touch()
    options = [f"-oDir={root}", f"-oDir::State::status={root}/var/lib/dpkg/status"]
    done = subprocess.run(
        ["apt-get", *options, "indextargets"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0 or "Conflicting values" in done.stderr
    return done.returncode == 0


def stated(root: Path) -> list[dlconf_apt.Statement]:
    found: list[dlconf_apt.Statement] = dlconf_apt.all_statements(str(root))
    return found


@needs_apt
@pytest.mark.parametrize("keys", list(itertools.product((*KEYS, INLINE), KEYS, ("", KEYS[1]))))
def test_a_conflict_is_seen_where_apt_sees_one(write: Write, keys: tuple[str, str, str]) -> None:
    root = write({
        "a.sources": stanza(keys[0]), "b.list": one_line(keys[1]), "c.sources": stanza(keys[2])
    })  # fmt: skip
    assert apt_reads(root) == (not dlconf_apt.conflicts(stated(root)))


@needs_apt
@pytest.mark.parametrize(
    "uri", [PPA, f"{PPA}/", PPA.replace("https", "http"), PPA.replace(".net", ".net:443")]
)
def test_apt_and_we_agree_on_what_is_one_address(write: Write, uri: str) -> None:
    root = write({"a.sources": stanza(KEYS[1]), "b.list": one_line("", uri)})
    assert apt_reads(root) == (not dlconf_apt.conflicts(stated(root)))


@needs_apt
def test_setting_conflicts_aside_lets_apt_read_again_and_taking_back_restores_all(
    write: Write,
) -> None:
    files = {
        "graphics-drivers-ubuntu-ppa-jammy.list": one_line(""),
        "dlconf-nvidia-driver.sources": stanza(KEYS[1]),
        "nvidia.sources": stanza(INLINE),
    }
    root = write(files)
    assert not apt_reads(root)
    change = dlconf_apt.Change(str(root), "a test")
    change.set_aside([item for item, _kept in dlconf_apt.conflicts(stated(root))])
    assert apt_reads(root)
    assert {item["file"] for item in stated(root)} == {f"{FOLDER}/dlconf-nvidia-driver.sources"}
    change.take_back()
    assert {p.name: p.read_text() for p in (root / f"{FOLDER}"[1:]).iterdir()} == files
    assert not list((root / dlconf_apt.ASIDE[1:]).iterdir())


@pytest.mark.parametrize(
    "text",
    [
        one_line("", PPA), one_line(KEYS[1], PPA + "/"), one_line("", PPA.replace("https", "http")),
        one_line("", PPA.replace(".net", ".net:443")), one_line("", "http://PPA.launchpad.net/graphics-drivers/ppa/ubuntu"),
        "deb-src " + one_line("")[4:], one_line("", PPA.replace("https://", "https://user:sesame@")),
        "# as told\n\n" + one_line("").replace("\n", " # note\n"),
    ],
)  # fmt: skip
def test_every_way_to_write_the_address_is_a_rival(write: Write, text: str) -> None:
    root = write({"any.list": text, "dlconf.sources": stanza(KEYS[0])})
    rivals = dlconf_apt.rivals(stated(root), f"{FOLDER}/dlconf.sources", stanza(KEYS[1]))
    assert [item["file"] for item in rivals] == [f"{FOLDER}/any.list"]
    assert "sesame" not in str(rivals)


@pytest.mark.parametrize(
    "text",
    [
        "# " + one_line(""), "# " + one_line(KEYS[1]), one_line("", suite="noble"),
        one_line("", "https://ppa.launchpadcontent.net/other/ppa/ubuntu"),
    ],
)  # fmt: skip
def test_what_is_commented_out_or_another_repository_is_none(write: Write, text: str) -> None:
    root = write({"any.list": text, "off.sources": stanza("") + "Enabled: no\n"})
    assert dlconf_apt.rivals(stated(root), "/ours.sources", stanza(KEYS[1])) == []


@pytest.mark.parametrize(
    ("uri", "suite"),
    [(CUDA, "/"), (CUDA.rstrip("/"), "/"), (CUDA.removesuffix("x86_64/"), "x86_64/")],
)
def test_a_flat_repository_is_found_however_address_and_folder_are_split(
    write: Write, uri: str, suite: str
) -> None:
    root = write({"nvidia-cuda.list": one_line("", uri, suite, "")})
    ours = stanza(KEYS[1], CUDA, "/")
    assert len(dlconf_apt.rivals(stated(root), "/ours.sources", ours)) == 1


def test_other_statements_of_a_file_stay(write: Write) -> None:
    root = write({
        "lab.list": one_line("") + one_line("", "https://lab.test/ubuntu"),
        "lab.sources": "# ours\n" + stanza(KEYS[1], f"{PPA} https://lab.test/x") + "\n" + stanza("", PPA),
    })  # fmt: skip
    gone = dlconf_apt.rivals(stated(root), "/ours.sources", stanza(KEYS[2]))
    change = dlconf_apt.Change(str(root), "a test")
    told = change.set_aside(gone)
    change.settle()
    assert [item["uri"] for item in stated(root)] == [
        "https://lab.test/ubuntu",
        "https://lab.test/x",
    ]
    manifest = json.loads((root / dlconf_apt.ASIDE[1:] / "manifest.json").read_text())
    assert manifest == told
    assert {entry["from"] for entry in manifest} == {f"{FOLDER}/lab.list", f"{FOLDER}/lab.sources"}
    for entry in manifest:
        kept = root / entry["to"][1:]
        assert PPA in kept.read_text()
        assert kept.stat().st_mode & 0o777 == 0o600
        assert entry["why"] == "a test"


@needs_apt
def test_a_statement_that_apt_cannot_read_is_taken_back(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"rival.list": one_line(""), "broken.list": "deb nonsense\n"}
    root = write(files)
    found = stated(root)
    config = root / "apt.conf"
    config.write_text(f'Dir "{root}";\nDir::State::status "{root}/status";\n')
    (root / "status").touch()
    monkeypatch.setenv("APT_CONFIG", str(config))
    here = dlconf_apt.Change(str(root), "a test")
    monkeypatch.setattr(dlconf_apt, "Change", lambda why: here)
    monkeypatch.setattr(dlconf_apt, "all_statements", lambda: found)
    monkeypatch.setattr(os, "chown", lambda *_: None)

    class Failed(Exception):
        pass

    class Module:
        check_mode = False

        def __init__(self) -> None:
            self.params = {
                "path": f"{FOLDER}/dlconf.sources", "content": stanza(KEYS[1]), "mode": "0644",
                "sole": stanza(KEYS[1]), "why": "a test",
            }  # fmt: skip

        def fail_json(self, msg: str) -> None:
            raise Failed(msg)

    with pytest.raises(Failed, match=r"dlconf\.sources .*broken\.list"):
        dlconf_apt_file.run(Module())
    assert {p.name: p.read_text() for p in (root / f"{FOLDER}"[1:]).iterdir()} == files


PACKAGE = (
    "Package: {}\nVersion: {}\nArchitecture: amd64\nDepends: {}\nFilename: x\nSize: 1\nSHA256: "
    + "0" * 64
)


@pytest.mark.skipif(not shutil.which("apt-ftparchive"), reason="needs apt-utils")
def test_a_release_of_cuda_is_asked_for_with_its_own_components(tmp_path: Path) -> None:
    """Two patch releases in one repository: the metapackages ask for their components or newer ones."""
    versions = [("12.9.0", "12.9.37", "12.9.0.13"), ("12.9.1", "12.9.86", "12.9.1.4")]
    texts = []
    for release, nvcc, blas in versions:
        parts = f"cuda-nvcc-12-9 (>= {nvcc}), libcublas-12-9 (>= {blas}), libc6 (>= 2.17)"
        texts += [
            PACKAGE.format(
                "cuda-toolkit-12-9", f"{release}-1", f"cuda-compiler-12-9 (>= {release})"
            ),
            PACKAGE.format("cuda-compiler-12-9", f"{release}-1", parts),
            PACKAGE.format("cuda-nvcc-12-9", f"{nvcc}-1", "build-essential"),
            PACKAGE.format("libcublas-12-9", f"{blas}-1", "libc6"),
        ]
    for folder in (
        "etc/apt/preferences.d",
        "var/lib/apt/lists/partial",
        "var/cache/apt",
        "repository",
    ):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "repository/Packages").write_text("\n\n".join(texts) + "\n")
    (tmp_path / "etc/apt/sources.list").write_text(
        f"deb [trusted=yes] file:{tmp_path}/repository ./\n"
    )
    (tmp_path / "status").touch()
    options = [
        f"-oDir={tmp_path}",
        f"-oDir::State::status={tmp_path}/status",
        "-oAPT::Sandbox::User=root",
    ]
    subprocess.run(["apt-get", *options, "update"], check=True, capture_output=True)
    for release, nvcc, blas in versions:
        found = dlconf_apt_closure.closure([f"cuda-toolkit-12-9={release}-*"], ["*-12-9"], options)
        whole = {
            "cuda-compiler-12-9": release,
            "cuda-nvcc-12-9": nvcc,
            "cuda-toolkit-12-9": release,
            "libcublas-12-9": blas,
        }
        # What apt takes by itself, the newest, is not named; what was wished always is.
        newest = {} if release == "12.9.0" else {"cuda-toolkit-12-9": release}
        assert found == [f"{name}={version}-1" for name, version in (newest or whole).items()]
    assert dlconf_apt_closure.closure(["unknown=1-*"], ["*"], options) == ["unknown=1-*"]
