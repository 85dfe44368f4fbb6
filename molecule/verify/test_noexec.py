"""Role verify where no program may run in the temporary folder, as the CIS benchmarks ask for."""

from __future__ import annotations

import json

from testinfra.host import Host

testinfra_hosts = ["ansible://noexec"]


def test_a_kernel_runs_where_the_temporary_folder_is_noexec(host: Host) -> None:
    assert "noexec" in host.mount_point("/tmp").options
    product = json.loads(host.file("/run/product.json").content_string)
    assert product["run"].get("rc") == 0, product


def test_it_leaves_nothing_behind(host: Host) -> None:
    assert host.check_output("find /tmp /var/tmp /var/lib -name '*dlconf-verify*'") == ""
