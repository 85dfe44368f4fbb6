"""`dlconf tunnel` with a stand-in for ssh: a program that forwards to a server of its own, or does not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dlconf import tunnel
from dlconf.errors import DlconfError
from dlconf.sshhost import SshHost

# What stands behind the forward. `record` holds the arguments and the process id.
FAKE = """#!{python}
import http.server, json, os, pathlib, socket, ssl, sys, time
pathlib.Path({record!r}).write_text(json.dumps({{"args": sys.argv[1:], "pid": os.getpid()}}))
port = int(sys.argv[sys.argv.index("-L") + 1].split(":")[1])
class Handler(http.server.BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.send_response(302)
        self.end_headers()
    def log_message(self, *_):
        pass
{body}
"""
SERVE = "http.server.HTTPServer(('127.0.0.1', port), Handler).serve_forever()"
REFUSE = """listening = socket.create_server(("127.0.0.1", port))
while True:
    listening.accept()[0].close()
"""
TLS = """context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain({pair!r})
server = http.server.HTTPServer(("127.0.0.1", port), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
"""

Fake = Callable[[str], Path]


@pytest.fixture
def fake_ssh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a program called ssh first on the path; returns where it writes how it was called."""

    def install(body: str) -> Path:
        record = tmp_path / "record.json"
        program = tmp_path / "ssh"
        program.write_text(FAKE.format(python=sys.executable, record=str(record), body=body))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return record

    return install


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_the_command_is_a_list_whose_options_come_before_the_destination() -> None:
    host = SshHost("gpu1", "192.0.2.7", ("-p", "2222"), "fd00::7", 9000)
    words = tunnel.command(host, 8888)
    assert words[words.index("-L") + 1] == "localhost:8888:[fd00::7]:9000"
    assert words[-4:] == ["-p", "2222", "--", "192.0.2.7"]
    assert "ControlPath=none" in words


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port


def test_a_port_that_is_free_is_taken(free_port: int) -> None:
    assert tunnel.choose_port(free_port) == free_port


def test_in_place_of_a_port_in_use_there_is_another(taken_port: int) -> None:
    chosen = tunnel.choose_port(taken_port)
    assert chosen != taken_port
    with socket.create_server(("127.0.0.1", chosen)):
        pass


def ended(record: Path) -> bool:
    """Say whether the stand-in is gone."""
    try:
        os.kill(json.loads(record.read_text())["pid"], 0)
    except ProcessLookupError:
        return True
    return False


def test_the_scheme_is_the_one_that_the_host_speaks(
    fake_ssh: Fake, tmp_path: Path, free_port: int
) -> None:
    pair = tmp_path / "pair.pem"
    made = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x"]
    subprocess.run([*made, "-keyout", pair, "-out", pair], check=True, capture_output=True)
    for body, scheme in ((SERVE, "http"), (TLS.format(pair=str(pair)), "https")):
        record, host = fake_ssh(body), SshHost("gpu1", "gpu1")
        with tunnel.forwarded(host, free_port) as process:
            assert tunnel.wait_until_answered(process, host, free_port) == scheme
        assert ended(record)


def test_a_forward_behind_which_nothing_listens_is_an_error(fake_ssh: Fake, free_port: int) -> None:
    record, host = fake_ssh(REFUSE), SshHost("gpu1", "gpu1")
    with (
        pytest.raises(DlconfError, match="nothing answers on gpu1 at"),
        tunnel.forwarded(host, free_port) as process,
    ):
        tunnel.wait_until_answered(process, host, free_port, limit_s=0.5)
    assert ended(record)


def test_ssh_that_does_not_log_in_is_an_error_that_shows_how_to_try(fake_ssh: Fake) -> None:
    fake_ssh("sys.exit(255)")
    host = SshHost("gpu1", "192.0.2.7", ("-p", "2222"))
    with (
        pytest.raises(DlconfError, match="exit code 255") as error,
        tunnel.forwarded(host, 1) as process,
    ):
        tunnel.wait_until_answered(process, host, 1)
    assert error.value.hint.endswith("ssh -p 2222 -- 192.0.2.7")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_command_with_130_and_takes_ssh_along(
    fake_ssh: Fake, number: signal.Signals
) -> None:
    record = fake_ssh(SERVE)
    argv = [sys.executable, "-c", "from dlconf.cli import main; main()", "tunnel", "gpu1", "--json"]
    command = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert command.stdout is not None
    shown = json.loads(command.stdout.readline())
    assert shown["url"] == f"http://localhost:{shown['local_port']}/"
    command.send_signal(number)
    rest, errors = command.communicate(timeout=30)
    assert (command.returncode, rest) == (130, "")
    assert errors.endswith("tunnel closed\n")
    assert ended(record)
