"""Role apt_key: one key, the pinned one, in the form that apt reads."""

from __future__ import annotations

from testinfra.host import Host

PATH = "/etc/apt/new-keyrings/vendor.gpg"
SHOW = "gpg --batch --homedir / --no-options --no-keyring --trust-model always --show-keys --with-colons"


def test_the_keyring_holds_the_pinned_key_and_no_other(host: Host) -> None:
    pinned = host.ansible.get_variables()["cuda_network_key_fingerprint"]
    lines = host.check_output(f"{SHOW} %s", PATH).splitlines()
    keys = [line for line in lines if line.startswith("pub:")]
    prints = [line.split(":")[9] for line in lines if line.startswith("fpr:")]
    assert len(keys) == 1
    assert prints[0] == pinned


def test_apt_may_read_it(host: Host) -> None:
    for path, mode in (("/etc/apt/new-keyrings", 0o755), (PATH, 0o644)):
        found = host.file(path)
        assert (found.user, found.group, found.mode) == ("root", "root", mode)


def test_it_is_binary(host: Host) -> None:
    assert b"BEGIN PGP" not in host.file(PATH).content


def test_no_other_keyring_changed_and_no_home_was_made(host: Host) -> None:
    assert host.run("dpkg --verify debian-archive-keyring").stdout == ""
    assert not host.file("/root/.gnupg").exists
    assert host.check_output("find /tmp -name 'dlconf-key-*'") == ""
