"""`dlconf tunnel`: the Jupyter of a host in the browser of this machine."""

from __future__ import annotations

from dataclasses import replace

import click

from dlconf import inventory, sshhost
from dlconf import tunnel as forward
from dlconf.cli import options, output
from dlconf.cli.group import INTERRUPTED
from dlconf.errors import UsageError
from dlconf.report.text import json_text
from dlconf.sshhost import SshHost


@click.command()
@click.argument("host")
@click.option(
    "--inventory",
    "-i",
    "source",
    metavar="INVENTORY",
    help="Take the address, the SSH settings and the port from this inventory.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    metavar="PORT",
    help="Jupyter's port on the host.  [default: jupyter_port of the inventory, or 8888]",
)
@options.json_option
@click.pass_context
def tunnel(
    ctx: click.Context, /, *, host: str, source: str | None, port: int | None, as_json: bool
) -> None:
    """Open an SSH forward to the Jupyter of HOST, and print the URL to open here.

    HOST is a host of the inventory, or without one whatever ssh takes: a name, USER@NAME or an alias of
    ~/.ssh/config. The forward lasts until Ctrl-C. It takes the same port here, or another where that is in use.
    """
    target = _target(host, source)
    target = replace(target, jupyter_port=port) if port else target
    local_port = forward.choose_port(target.jupyter_port)
    try:
        with forward.forwarded(target, local_port) as process:
            scheme = forward.wait_until_answered(process, target, local_port)
            _show(target, local_port, f"{scheme}://localhost:{local_port}/", as_json)
            process.wait()
            forward.check_alive(process, target)
    except KeyboardInterrupt:
        output.echo("tunnel closed", err=True)
        ctx.exit(INTERRUPTED)


def _target(host: str, source: str | None) -> SshHost:
    if source is not None:
        return sshhost.of_inventory(inventory.check(source), host)
    if not host.strip():
        raise UsageError("HOST is empty", hint="name a host: dlconf tunnel gpu1 -i hosts.ini")
    return SshHost(host, host)


def _show(target: SshHost, local_port: int, url: str, as_json: bool) -> None:
    """Print the URL on standard output: the one thing that could be piped."""
    remote = f"{target.jupyter_host} port {target.jupyter_port}"
    output.echo(f"forwarding to {target.name}, {remote}; Ctrl-C ends it", err=True)
    data = {
        "schema": 1,
        "command": "tunnel",
        "host": target.name,
        "url": url,
        "local_port": local_port,
        "jupyter_port": target.jupyter_port,
    }
    output.echo(json_text(data) if as_json else url)
