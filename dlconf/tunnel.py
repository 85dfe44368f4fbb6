"""An SSH forward from a port of this machine to the Jupyter of a host."""

from __future__ import annotations

import contextlib
import errno
import http.client
import shlex
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from types import FrameType

from dlconf.errors import DlconfError
from dlconf.sshhost import SshHost

LOOPBACKS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
ANSWER_LIMIT_S = 20.0
"""How long Jupyter may take to answer once ssh is logged in. The log-in has no limit: it may ask for a password."""
_PROBE_LIMIT_S = 5.0
_PAUSE_S = 0.2
_END_LIMIT_S = 5.0


def choose_port(wanted: int) -> int:
    """Return the port of this machine to forward: the wanted one where no loopback has it in use, else a free one."""
    if _is_free(wanted):
        return wanted
    with socket.socket() as any_port:
        any_port.bind(("127.0.0.1", 0))
        port: int = any_port.getsockname()[1]
    return port


def _is_free(port: int) -> bool:
    for family, address in LOOPBACKS:
        try:
            with socket.socket(family, socket.SOCK_STREAM) as taken:
                taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                taken.bind((address, port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):  # else this machine has no IPv6
                return False
    return True


def command(host: SshHost, local_port: int) -> list[str]:
    """Return the command that holds the forward open. What it says first counts, so it is never a shared connection."""
    target = f"[{host.jupyter_host}]" if ":" in host.jupyter_host else host.jupyter_host
    options = ("ExitOnForwardFailure=yes", "ControlMaster=no", "ControlPath=none")
    words = [word for option in options for word in ("-o", option)]
    forward = f"localhost:{local_port}:{target}:{host.jupyter_port}"
    return ["ssh", "-N", "-T", *words, "-L", forward, *host.options, "--", host.destination]


@contextlib.contextmanager
def forwarded(host: SshHost, local_port: int) -> Iterator[subprocess.Popen[bytes]]:
    """Hold the forward open; SIGTERM and SIGHUP end it as Ctrl-C does, and ssh never outlives it.

    Raises:
        DlconfError: there is no ssh.
    """
    before = {
        number: signal.signal(number, _interrupt) for number in (signal.SIGTERM, signal.SIGHUP)
    }
    try:
        process = subprocess.Popen(command(host, local_port))
    except OSError as error:
        raise DlconfError(
            f"ssh cannot be run: {error.strerror}", hint="install an SSH client"
        ) from error
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def wait_until_answered(
    process: subprocess.Popen[bytes],
    host: SshHost,
    local_port: int,
    limit_s: float = ANSWER_LIMIT_S,
) -> str:
    """Return `https` or `http`, whichever Jupyter answers by through the forward.

    It is asked, since the inventory may differ from what runs.

    Raises:
        DlconfError: ssh ended, or it is logged in and nothing has answered for `limit_s` seconds.
    """
    deadline: float | None = None
    while True:
        check_alive(process, host)
        if deadline is None and _listens(local_port):  # ssh listens once it is logged in
            deadline = time.monotonic() + limit_s
        if deadline is not None:
            if scheme := answering(local_port):
                return scheme
            if time.monotonic() > deadline:
                raise DlconfError(
                    f"nothing answers on {host.name} at {host.jupyter_host} port {host.jupyter_port}",
                    hint=f"look there with: systemctl status dlconf-jupyter; --port names another port than"
                    f" {host.jupyter_port}",
                )
        time.sleep(_PAUSE_S)


def check_alive(process: subprocess.Popen[bytes], host: SshHost) -> None:
    """Raise DlconfError where ssh has ended."""
    if (code := process.poll()) is not None:
        words = [word for word in command(host, host.jupyter_port) if word not in ("-N", "-T")]
        by_itself = ["ssh", *words[words.index("-L") + 2 :]]
        raise DlconfError(
            f"the tunnel to {host.name} is closed: ssh ended with exit code {code}",
            hint=f"see whether this logs in: {shlex.join(by_itself)}",
        )


def _listens(port: int) -> bool:
    with (
        contextlib.suppress(OSError),
        socket.create_connection(("localhost", port), _PROBE_LIMIT_S),
    ):
        return True
    return False


def answering(port: int) -> str | None:
    """Return the scheme in which a server answers on a port of this machine, None where none does."""
    context = ssl.create_default_context()
    context.check_hostname = False  # only whether it speaks TLS; it is the browser that checks
    context.verify_mode = ssl.CERT_NONE
    connections: dict[str, http.client.HTTPConnection] = {
        "https": http.client.HTTPSConnection(
            "localhost", port, timeout=_PROBE_LIMIT_S, context=context
        ),
        "http": http.client.HTTPConnection("localhost", port, timeout=_PROBE_LIMIT_S),
    }
    for scheme, connection in connections.items():
        with (
            contextlib.suppress(OSError, http.client.HTTPException),
            contextlib.closing(connection),
        ):
            connection.request("HEAD", "/")
            connection.getresponse()
            return scheme
    return None
