"""Role anaconda: one conda for every user, and the users' own settings left alone."""

from __future__ import annotations

import yaml
from testinfra.host import Host


def test_every_shell_of_every_user_finds_conda(host: Host) -> None:
    for user in ("root", "lab"):
        assert host.check_output("runuser -u %s -- bash -lc 'conda --version'", user).startswith(
            "conda "
        )
        assert host.check_output(
            "runuser -u %s -- /usr/local/bin/conda --version", user
        ).startswith("conda ")


def test_login_shells_can_activate(host: Host) -> None:
    text = host.check_output(
        "runuser -u lab -- bash -lc 'conda activate base && echo $CONDA_PREFIX'"
    )
    assert text == "/opt/conda"


def test_the_channels_are_set_for_everyone(host: Host) -> None:
    assert yaml.safe_load(host.file("/opt/conda/.condarc").content_string) == {
        "channels": ["conda-forge", "bioconda"]
    }


def test_everyone_reads_the_prefix_and_only_root_writes_it(host: Host) -> None:
    prefix = host.file("/opt/conda")
    assert (prefix.user, prefix.group, prefix.mode) == ("root", "root", 0o755)
    assert host.file("/opt/conda/.condarc").mode == 0o644
    unreadable = host.check_output(
        "find /opt/conda -name __pycache__ -prune -o -not -type l -not -perm -o=r -print"
    )
    foreign = host.check_output("find /opt/conda -not -user root -o -not -type l -perm -o=w")
    assert (unreadable, foreign) == ("", "")


def test_the_installer_and_the_marks_are_gone(host: Host) -> None:
    assert host.check_output("find /var/cache/dlconf -type f") == ""


def test_the_settings_of_users_are_untouched(host: Host) -> None:
    own = host.file("/home/lab/.condarc")
    assert (own.content_string, own.user, own.mode) == ("channels: [mine]\n", "lab", 0o600)
    for shell in (".bashrc", ".profile"):
        assert (
            host.file(f"/home/lab/{shell}").sha256sum == host.file(f"/etc/skel/{shell}").sha256sum
        )
        assert "conda" not in host.check_output("cat /root/%s 2>/dev/null || true", shell)
