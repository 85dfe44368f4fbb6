"""What is no card of an x86-64 machine never gets a stack, over the whole catalogue."""

from __future__ import annotations

import pytest

from dlconf.catalogue import load
from dlconf.catalogue.model import Vgpu
from dlconf.errors import NoCompatibleStack
from dlconf.gpunames import device_id, is_vgpu_name
from dlconf.resolve import resolve
from dlconf.resolve.conflict import SUPPORTED
from dlconf.stack import Machine, PciGpu
from dlconf.wishes import Wishes

CATALOGUE = load()
ARM = sorted(row.id for row in CATALOGUE.gpus.values() if row.host_architecture)
VGPUS = [
    (row.device, number, name)
    for row in CATALOGUE.rows("vgpus")
    if isinstance(row, Vgpu)
    for number, name in row.subsystems.items()
]


@pytest.mark.parametrize("os", SUPPORTED)
def test_no_chip_of_an_arm64_machine_gets_a_stack(os: str) -> None:
    assert {"2342", "2941", "2e12", "31c2", "2b00"} <= set(ARM)
    for device in ARM:
        with pytest.raises(NoCompatibleStack, match="one with an arm64 processor"):
            resolve(Machine(os=os, gpus=(PciGpu("0000:01:00.0", device),)), Wishes(), CATALOGUE)


def test_no_card_is_taken_for_one() -> None:
    names = ("GeForce", "Quadro", "Tesla", "TITAN", "H100", "H200", "B200", "B300", "A100", "L40")
    for row in CATALOGUE.gpus.values():
        if any(name in row.name.split() for name in names):
            assert row.host_architecture is None, row


def test_no_share_of_a_card_gets_a_stack() -> None:
    assert len(VGPUS) > 1000
    for device, number, name in VGPUS:
        gpus = (PciGpu("0000:01:00.0", device, f"10de:{number}"),)
        with pytest.raises(NoCompatibleStack) as caught:
            resolve(Machine(os="ubuntu-22.04", gpus=gpus), Wishes(), CATALOGUE)
        assert f"the {name} (0000:01:00.0) is a vGPU" in caught.value.message


def test_no_subsystem_of_a_card_is_taken_for_a_share() -> None:
    shares = {(device, f"10de:{number}") for device, number, _ in VGPUS}
    cards = {(row.id, name) for row in CATALOGUE.gpus.values() for name in row.subsystems}
    assert not shares & cards


def test_no_name_of_a_card_reads_as_that_of_a_share() -> None:
    names = [name for row in CATALOGUE.gpus.values() for name in (row.name, *row.other_names)]
    assert not [name for name in names if is_vgpu_name(name)]


def test_a_word_means_names_in_which_it_begins() -> None:
    assert device_id("B300", CATALOGUE) == "3182"
    assert CATALOGUE.gpus[device_id("B200", CATALOGUE)].name == "NVIDIA B200"
    assert "GB200" not in {row.name.split()[-1] for row in CATALOGUE.find_gpus("B200")}
