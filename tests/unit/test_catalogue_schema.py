"""Errors of the catalogue name file, row, field, what was expected and what was found."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlconf.catalogue import CatalogueError, load
from dlconf.catalogue.reader import read_sections

GPU = (
    'id: "ffff", name: "X", chip: "GA102", architecture: "ampere", compute_capability: "8.6",'
    ' gpu_class: "geforce", kernel_modules: "both", source: "a test"'
)

BAD_FILES = {
    "unknown section": ("gpu:\n- {}\n", ["gpu: unknown section"], "Did you mean gpus?"),
    "meta is not a site's": ("meta:\n- {}\n", ["meta: unknown section"], ""),
    "not yaml": ("gpus: [\n", ["not YAML"], ""),
    "no sections": ("- 1\n", ["expected sections of rows, found list"], ""),
    "no rows": ("gpus: 5\n", ["gpus: expected a list of rows, found 5"], ""),
    "no row": ("gpus: [5]\n", ["gpus row 1: expected a row, found 5"], ""),
    "no key": ("gpus:\n- {name: x}\n", ["gpus row 1: id: missing"], ""),
    "key is a number": (
        "gpus:\n- {id: 1234, source: x}\n",
        ["gpus 1234: id: expected text, found 1234"],
        "",
    ),
    "unknown field": (
        f"gpus:\n- {{{GPU}, memory: [1]}}\n",
        ["gpus ffff: memory: unknown field"],
        "Did you mean memory_mib?",
    ),
    "missing field": (
        "gpus:\n- {id: ffff, name: x, source: s}\n",
        ["gpus ffff: architecture: missing; expected text"],
        "",
    ),
    "no source": ('gpus:\n- {id: "1b06", name: "x"}\n', ["gpus 1b06: source: missing"], ""),
    "empty source": (
        'gpus:\n- {id: "1b06", source: " "}\n',
        ["gpus 1b06: source: expected where the facts come from", "found ' '"],
        "",
    ),
    "dangling source": (
        "gpus:\n- {id: '1b06', source: '@no'}\n",
        ["gpus 1b06: source: expected where the facts come from", "@ID", "found '@no'"],
        "",
    ),
    "wrong type": (
        f"gpus:\n- {{{GPU}, memory_mib: 24}}\n",
        ["gpus ffff: memory_mib: expected a list of whole numbers, found 24"],
        "",
    ),
    "a number where text is": (
        'gpus:\n- {id: "1b06", compute_capability: 6.1, source: s}\n',
        ["gpus 1b06: compute_capability: expected text or null, found 6.1"],
        "must be quoted",
    ),
    "true is no text": (
        'drivers:\n- {branch: "999", cuda: true, source: s}\n',
        ["drivers 999: cuda: expected text or null, found True"],
        "",
    ),
    "true is no whole number": (
        'cuda:\n- {version: "12.8.1", gcc_max: true, source: s}\n',
        ["cuda 12.8.1: gcc_max: expected a whole number, found True"],
        "",
    ),
    "bad form": (
        'gpus:\n- {id: "1B06", name: x, source: s}\n',
        ["gpus 1B06: id: expected four lower-case hex digits, found '1B06'"],
        "",
    ),
    "closed list": (
        'drivers:\n- {branch: "580", type: "beta", source: s}\n',
        ["drivers 580: type: expected one of production, new_feature", "found 'beta'"],
        "",
    ),
    "bad checksum": (
        "conda:\n- {distribution: miniforge, version: 26.3.2-3, checksum: abc, source: s}\n",
        ['conda miniforge 26.3.2-3: checksum: expected "sha256:<64 hex digits>"', "found 'abc'"],
        "",
    ),
    "unknown architecture": (
        f"gpus:\n- {{{GPU.replace('ampere', 'amper')}}}\n",
        ["gpus ffff: architecture: expected a known architecture, found 'amper'"],
        "",
    ),
    "capability against chip": (
        'gpus:\n- {id: "1b06", compute_capability: "6.0", source: s}\n',
        ["gpus 1b06: compute_capability: expected 6.1 for a GP102 of pascal, found '6.0'"],
        "",
    ),
    "modules against architecture": (
        'gpus:\n- {id: "1b06", kernel_modules: "open", source: s}\n',
        ["gpus 1b06: kernel_modules: expected proprietary for pascal, found 'open'"],
        "",
    ),
    "branch after the last": (
        'gpus:\n- {id: "1b06", last_branch: null, source: s}\n',
        ["gpus 1b06: last_branch: expected 580 or older for pascal, found None"],
        "",
    ),
    "unknown branch": (
        'driver_packages:\n- {os: ubuntu-22.04, branch: "581", source_name: ppa, flavour: open,'
        " packages: [x], source_package: x, dkms_module: x, source: s}\n",
        ["driver_packages ubuntu-22.04 ppa 581 open desktop: branch: expected a known branch"],
        "",
    ),
    "flavour the branch does not ship": (
        'driver_packages:\n- {os: ubuntu-22.04, branch: "620", source_name: ppa,'
        " flavour: proprietary, packages: [x], source_package: x, dkms_module: x, source: s}\n",
        ["flavour: expected what branch 620 ships (open), found 'proprietary'"],
        "",
    ),
    "architecture past its branch": (
        'drivers:\n- {branch: "590", architectures: [pascal], source: s}\n',
        ["drivers 590: architectures: expected none that ended before (branch 580", "'pascal'"],
        "",
    ),
    "file against package": (
        'cuda_local_repos:\n- {distro: ubuntu2204, cuda: "12.8.1", package: other, source: s}\n',
        ["cuda_local_repos ubuntu2204 12.8.1 x86_64: package: expected"],
        "",
    ),
    "two newest": (
        'cuda:\n- {version: "12.8.1", newest_of_release: true, source: s}\n',
        ["newest_of_release: expected one version of 12.8, found ['12.8.1', '12.8.2']"],
        "",
    ),
    "unknown backend": (
        'frameworks:\n- {framework: keras, version: "9", build: pypi, device: any,'
        ' requirements: ["keras==9"], backends: ["torch"], source: s}\n',
        ["frameworks keras 9 pypi: backends: expected known frameworks, found 'torch'"],
        "",
    ),
    "cuda in a cpu build": (
        'frameworks:\n- {framework: jax, version: "0.10.2", build: cpu, cuda: "12", source: s}\n',
        ["frameworks jax 0.10.2 cpu: cuda: expected none in a CPU build, found '12'"],
        "",
    ),
}


@pytest.mark.parametrize(("text", "message", "hint"), BAD_FILES.values(), ids=BAD_FILES.keys())
def test_error_names_file_row_and_field(
    tmp_path: Path, text: str, message: list[str], hint: str
) -> None:
    file = tmp_path / "my-rows.yml"
    file.write_text(text)
    with pytest.raises(CatalogueError) as caught:
        load([file])
    assert caught.value.message.startswith(f"{file}: ")
    for part in message:
        assert part in caught.value.message
    assert hint in caught.value.hint


def test_missing_site_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"no\.yml: cannot be read"):
        load([tmp_path / "no.yml"])


def test_json_lines_and_yaml_read_the_same(tmp_path: Path) -> None:
    rows = '- {"id": "1b06", "memory_mib": [11264], "last": null, "is": true, "of": "a: b, {c}"}\n'
    quick, slow = tmp_path / "quick.yml", tmp_path / "slow.yml"
    quick.write_text(f"# a comment\n\ngpus:\n{rows}")
    slow.write_text(f'gpus:\n- {{id: "1b06", memory_mib: [11264]}}\n{rows}')
    assert read_sections(quick)["gpus"] == read_sections(slow)["gpus"][1:]


def test_sources_section_is_resolved(tmp_path: Path) -> None:
    file = tmp_path / "rows.yml"
    file.write_text('sources:\n- {id: a, text: "the page"}\ngpus:\n- {id: "1b06", source: "@a"}\n')
    assert load([file]).gpus["1b06"].source == "the page"
