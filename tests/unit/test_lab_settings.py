"""The pure parts of the container lab: addresses, machines, buses, settings, inventory."""

from __future__ import annotations

import io
import struct
import tarfile
from configparser import ConfigParser
from pathlib import Path

import pytest
import yaml

from tests.lab.command import LabError
from tests.lab.hostsettings import (
    AptSource,
    HostSettings,
    debian_sources,
    local_folders,
    parse_deb822,
    parse_one_line_format,
    parse_pip_config,
)
from tests.lab.inventory import hosts_ini, known_hosts, ssh_config, write_inventory
from tests.lab.pci import write_tree
from tests.lab.seed import Identity, apt_conf, environment, pip_conf, seed_archive, seed_files
from tests.lab.settings import Lab, chosen, load_kinds, machines, mirror_address, pick_subnet

SUBNET = "10.77.5.0/24"
HOST = HostSettings(
    os_id="debian",
    sources=(AptSource("http://mirror.test/debian", "bookworm"),),
    apt_options=('Acquire::Check-Date "false";',),
    pip={"extra-index-url": "file:///srv/a/simple https://pypi.test/simple"},
    proxies={},
    certificates="-----HOST-----\n",
)


def test_two_folders_make_two_labs_of_one_name() -> None:
    first, second = Lab("lab", Path("/a/.lab")), Lab("lab", Path("/b/.lab"))
    assert first.identity != second.identity
    assert first.container("cpu").startswith(first.identity)


def test_subnet_is_stable_and_passes_over_taken_ones() -> None:
    first = pick_subnet("dlconf-lab-1", [])
    assert first == pick_subnet("dlconf-lab-1", ["192.168.0.0/16", "fd00::/8"])
    assert pick_subnet("dlconf-lab-1", [first]) != first


def test_no_subnet_left() -> None:
    with pytest.raises(LabError, match="in use"):
        pick_subnet("dlconf-lab-1", ["10.77.0.0/16"])


def test_a_machine_keeps_its_hardware_address_from_boot_to_boot() -> None:
    one, other = machines(chosen(load_kinds(), ("cpu",)), 2, SUBNET)
    assert one.mac == "02:42:0a:4d:05:0b" != other.mac


def test_machines_repeat_their_kinds_with_addresses_of_their_own() -> None:
    found = machines(chosen(load_kinds(), ()), 6, SUBNET)
    assert [machine.name for machine in found[:4]] == ["gtx1080ti", "rtx3090", "rtx5090", "cpu"]
    assert [machine.name for machine in found[4:]] == ["gtx1080ti-2", "rtx3090-2"]
    addresses = {machine.address for machine in found}
    assert len(addresses) == 6
    assert mirror_address(SUBNET) not in addresses


def test_machines_that_run_containers_come_only_when_they_are_named() -> None:
    kinds = load_kinds()
    assert not [kind.name for kind in chosen(kinds, []) if kind.options]
    named = chosen(kinds, ["docker", "cpu"])
    assert [kind.name for kind in named] == ["docker", "cpu"]
    assert [bool(kind.options) for kind in named] == [True, False]


def test_a_lab_can_be_of_chosen_kinds() -> None:
    kinds = chosen(load_kinds(), ("cpu", "rtx3090-debian"))
    assert [kind.name for kind in kinds] == ["cpu", "rtx3090-debian"]
    with pytest.raises(LabError, match="no kind of machine rtx9; there are gtx1080ti"):
        chosen(load_kinds(), ("cpu", "rtx9"))


def test_machines_with_rights_of_their_own_come_only_when_they_are_named() -> None:
    kinds = load_kinds()
    assert not [kind.name for kind in chosen(kinds, ()) if kind.options]
    named = chosen(kinds, ("fuse", "cpu"))
    assert [kind.name for kind in named] == ["fuse", "cpu"]
    assert [bool(kind.options) for kind in named] == [True, False]


@pytest.mark.parametrize("hosts", [0, 61])
def test_a_lab_has_a_sane_size(hosts: int) -> None:
    with pytest.raises(LabError, match="machines"):
        machines(load_kinds(), hosts, SUBNET)


def test_no_machine_bears_the_name_of_a_group() -> None:
    kinds = load_kinds()
    groups = {group for kind in kinds for group in kind.groups}
    assert not groups & {kind.name for kind in kinds}


def test_bus_reads_like_sysfs(tmp_path: Path) -> None:
    rtx3090 = next(kind for kind in load_kinds() if kind.name == "rtx3090")
    write_tree(tmp_path / "devices", rtx3090.pci)
    gpu = tmp_path / "devices" / "0000:0a:00.0"
    assert (gpu / "vendor").read_text() == "0x10de\n"
    assert (gpu / "device").read_text() == "0x2204\n"
    assert (gpu / "class").read_text() == "0x030000\n"
    assert struct.unpack_from("<HH", (gpu / "config").read_bytes()) == (0x10DE, 0x2204)
    assert "PCI_SLOT_NAME=0000:0a:00.0\n" in (gpu / "uevent").read_text()
    assert not (gpu / "driver").exists()
    audio = tmp_path / "devices" / "0000:0a:00.1"
    assert (audio / "driver").resolve().name == "snd_hda_intel"


def test_cpu_machine_has_a_display_and_no_nvidia() -> None:
    cpu = next(kind for kind in load_kinds() if kind.name == "cpu")
    assert any(function.pci_class >> 8 == 3 for function in cpu.pci)
    assert all(function.vendor != 0x10DE for function in cpu.pci)


def test_apt_sources_in_both_formats() -> None:
    one_line = "# deb http://no.test/ x\ndeb [arch=amd64 signed-by=/k] http://m.test/d jammy main\n"
    assert list(parse_one_line_format(one_line)) == [AptSource("http://m.test/d", "jammy")]
    stanzas = (
        "Types: deb deb-src\n# a note\nURIs: http://m.test/debian\nSuites: a a-updates\n\n"
        "Types: deb-src\nURIs: http://no.test\nSuites: a\n\n"
        "Enabled: no\nTypes: deb\nURIs: http://no.test\nSuites: a\n"
    )
    assert [source.suite for source in parse_deb822(stanzas)] == ["a", "a-updates"]


def test_debian_sources_keep_archive_and_security_apart() -> None:
    text = debian_sources(
        [
            AptSource("http://m.test/debian", "trixie"),
            AptSource("http://m.test/debian-security", "trixie-security"),
        ],
        "bookworm",
    )
    archive, updates, security = text.splitlines()
    assert archive.startswith("deb http://m.test/debian bookworm main")
    assert updates.startswith("deb http://m.test/debian bookworm-updates")
    assert security.startswith("deb http://m.test/debian-security bookworm-security")


def test_machines_of_another_system_name_the_public_mirror() -> None:
    text = debian_sources([AptSource("http://archive.ubuntu.test/ubuntu", "noble")], "bookworm")
    assert text.startswith("deb http://deb.debian.org/debian bookworm main")


def test_pip_environment_outranks_its_files() -> None:
    listing = (
        ":env:.find-links='/opt/wheels'\n"
        "global.cert='/etc/ssl/x'\n"
        "global.extra-index-url='file:///a/simple https://pypi.test/simple'\n"
        "global.find-links='/elsewhere'\n"
    )
    assert parse_pip_config(listing) == {
        "extra-index-url": "file:///a/simple https://pypi.test/simple",
        "find-links": "/opt/wheels",
    }


def test_folders_of_an_index_are_mounted_with_its_files(tmp_path: Path) -> None:
    index = tmp_path / "index" / "simple"
    index.mkdir(parents=True)
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    pip = {"extra-index-url": f"file://{index} https://pypi.test", "find-links": f"{wheels} /none"}
    assert local_folders(pip) == [str(index.parent), str(wheels)]


def test_seed_holds_the_keys_and_trusts_both_authorities() -> None:
    identity = Identity("SECRET\n", "ssh-ed25519 PUBLIC cpu\n", "ssh-ed25519 LOGIN lab\n")
    files = seed_files(
        identity, HOST, authority="-----LAB-----\n", mirror_hosts=["v.test"], suite="bookworm"
    )
    assert files["/etc/ssh/ssh_host_ed25519_key"].mode == 0o600
    bundle = files["/etc/ssl/certs/ca-certificates.crt"].content
    assert bundle == "-----HOST-----\n-----LAB-----\n"
    assert "mirror.test" in files["/etc/apt/sources.list"].content
    with tarfile.open(fileobj=io.BytesIO(seed_archive(files))) as archive:
        authorized = archive.getmember("home/lab/.ssh/authorized_keys")
        assert (authorized.uid, authorized.mode) == (1500, 0o600)


def test_seed_leaves_the_sources_of_a_real_ubuntu() -> None:
    identity = Identity("", "", "")
    files = seed_files(identity, HOST, authority="", mirror_hosts=[], suite=None)
    assert "/etc/apt/sources.list" not in files


def test_a_proxy_is_not_used_for_the_mirror() -> None:
    proxied = HostSettings(
        os_id="debian",
        sources=(),
        apt_options=('Acquire::http::Proxy "http://proxy.test:3128";',),
        pip={},
        proxies={"https_proxy": "http://proxy.test:3128", "no_proxy": "localhost"},
        certificates="",
    )
    assert 'Acquire::https::Proxy::v.test "DIRECT";' in apt_conf(proxied, ["v.test"])
    assert 'no_proxy="localhost,v.test"' in environment(proxied, ["v.test"])
    assert "DIRECT" not in apt_conf(HOST, ["v.test"])


def test_uv_and_pip_get_the_same_indexes() -> None:
    parsed = ConfigParser()
    parsed.read_string(pip_conf(HOST.pip))
    indexes = parsed["global"]["extra-index-url"]
    assert f'UV_INDEX="{indexes}"' in environment(HOST, [])


def test_inventory_checks_host_keys(tmp_path: Path) -> None:
    found = machines(load_kinds(), 4, SUBNET)
    inventory = hosts_ini(found, tmp_path)
    assert f"ansible_ssh_common_args=-F {tmp_path}/ssh_config" in inventory
    assert "[ubuntu]\ngtx1080ti\nrtx3090\nrtx5090\n" in inventory
    assert "StrictHostKeyChecking yes" in ssh_config(found, tmp_path)
    keys = {machine.name: f"ssh-ed25519 KEY-{machine.name} x" for machine in found}
    assert "cpu,10.77.5.14 ssh-ed25519 KEY-cpu\n" in known_hosts(found, keys)


def test_written_inventory_names_the_site_catalogue(tmp_path: Path) -> None:
    found = machines(load_kinds(), 4, SUBNET)
    facts = {
        "fingerprints": {
            "ppa": "A" * 40,
            "nvidia": "B" * 40,
            "docker": "C" * 40,
            "container_toolkit": "D" * 40,
            "drives": "E" * 40,
        },
        "cuda_local_repos": [{"distro": "ubuntu2204", "cuda": "12.9.1"}],
        "cudnn_local_repos": [],
        "conda": [],
    }
    keys = dict.fromkeys([machine.name for machine in found], "ssh-ed25519 K")
    write_inventory(found, tmp_path, facts, keys, ubuntu_is_real=False)
    variables = yaml.safe_load((tmp_path / "group_vars/all.yml").read_text())
    assert variables["nvidia_driver_ppa_key_fingerprint"] == "A" * 40
    catalogue = yaml.safe_load(Path(variables["dlconf_catalogue"]).read_text())
    assert catalogue["cuda_local_repos"][0]["source"] == "lab stand-in"
    wishes = yaml.safe_load((tmp_path / "host_vars/cpu.yml").read_text())
    assert wishes["dlconf_frameworks"] == ["pytorch", "jax"]
