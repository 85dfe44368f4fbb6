"""Role frameworks where uv makes the environments."""

from __future__ import annotations

from testinfra.host import Host

testinfra_hosts = ["ansible://rtx3090"]


def test_no_file_is_another_environment_s_or_the_cache_s_too(host: Host) -> None:
    """What is edited in place in one would be edited in all of them."""
    files = "find /opt/dlconf/envs -path '*/site-packages/*' -type f"
    assert len(host.check_output(files).splitlines()) > 100
    assert host.check_output(f"{files} -links +1") == ""
