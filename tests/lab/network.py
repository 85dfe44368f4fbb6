"""The lab's own network: a bridge, and a guard that keeps its addresses on this machine."""

from __future__ import annotations

import re

from tests.lab.command import LabError, as_root, run
from tests.lab.podman import LABEL, Podman
from tests.lab.settings import pick_subnet

# Behind every route that a bridge brings, so that it counts only when the bridge is gone.
GUARD_METRIC = "9999"
ATTEMPTS = 5


def create_network(podman: Podman, identity: str) -> str:
    """Create the lab's network in a free subnet and return the subnet.

    Raises:
        LabError: no subnet is free, or podman refuses.
    """
    refusal = ""
    for _ in range(ATTEMPTS):
        subnet = pick_subnet(identity, [*podman.subnets(), *routed_subnets()])
        label = f"{LABEL}={identity}"
        options = ["--subnet", subnet, "--disable-dns", "--opt", "isolate=true", "--label", label]
        try:
            podman.run("network", "create", *options, identity)
        except LabError as error:  # another lab may have taken the subnet a moment ago
            refusal = str(error)
            continue
        guard(subnet)
        return subnet
    raise LabError(refusal)


def remove_network(podman: Podman, identity: str, subnet: str | None) -> None:
    """Remove the network and its guard; what is not there is passed over."""
    if podman.succeeds("network", "exists", identity):
        podman.run("network", "rm", "--force", identity)
    if subnet:
        run(as_root(["ip", "route", "del", *_guard_route(subnet)]), check=False)


def guard(subnet: str) -> None:
    """Make the subnet unreachable wherever no bridge serves it.

    The bridge goes with the last running container. Without this route a packet to a stopped
    machine would then leave by the default route, to whoever has that address out there.
    """
    run(as_root(["ip", "route", "replace", *_guard_route(subnet)]))


def _guard_route(subnet: str) -> list[str]:
    return ["unreachable", subnet, "metric", GUARD_METRIC]


def routed_subnets() -> list[str]:
    """Return the networks that this machine has a route to, the default apart."""
    listing = run(["ip", "-4", "route", "show"]).stdout
    return re.findall(r"\b(\d+\.\d+\.\d+\.\d+/\d+)\b", listing)
