"""The container lab: `python -m tests.lab up`, and what tests do to it."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.lab.command import LabError, say
from tests.lab.faults import MirrorFaults, small_disk, whole_disk
from tests.lab.hostsettings import read_host_settings
from tests.lab.image import ensure_images
from tests.lab.lab import RunningLab
from tests.lab.mirror.build import cache_folder, ensure_mirror
from tests.lab.mirror.every import guesses
from tests.lab.podman import Podman
from tests.lab.settings import DEFAULT_HOSTS, Lab, default_state
from tests.lab.setup import install_missing, raise_limits


def main() -> int:
    """Run the command line; return 0, or 1 after an error."""
    args = _parser().parse_args()
    started = time.monotonic()
    try:
        args.run(args)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("lab: interrupted; `down` takes away what was started", file=sys.stderr)
        return 130
    if args.timed:
        say(f"{args.verb} took {time.monotonic() - started:.1f} s")
    return 0


def _lab(args: argparse.Namespace) -> RunningLab:
    state = (args.state or default_state(args.name)).absolute()
    kinds = tuple(args.kinds.split(",")) if args.kinds else ()
    return RunningLab(Lab(args.name, state, len(kinds) or args.hosts, kinds))


def _setup(args: argparse.Namespace) -> None:
    del args
    install_missing()
    raise_limits()


def _up(args: argparse.Namespace) -> None:
    lab = _lab(args)
    lab.up()
    record = lab.record
    say(f"{len(record['machines'])} machines in {record['subnet']}; Ubuntu: {record['ubuntu']}")
    say(f"inventory: {lab.lab.state / 'hosts.ini'}")


def _image(args: argparse.Namespace) -> None:
    del args
    podman = Podman(cache_folder() / "containers.conf")
    images = ensure_images(podman, read_host_settings())
    say(f"{images.debian}, {images.ubuntu} ({images.ubuntu_is})")
    ensure_mirror()


def _inventory(args: argparse.Namespace) -> None:
    print((_lab(args).require().lab.state / "hosts.ini").read_text(encoding="utf-8"), end="")


def _guesses(args: argparse.Namespace) -> None:
    del args
    print("\n".join(guesses()))


def _status(args: argparse.Namespace) -> None:
    lab = _lab(args).require()
    record = {key: value for key, value in lab.record.items() if "password" not in key}
    print(json.dumps({**record, "containers": lab.states()}, indent=1))


def _fault(args: argparse.Namespace) -> None:
    faults = MirrorFaults(_lab(args).require().lab.state)
    actions: dict[str, Callable[[], object]] = {
        "corrupt": lambda: faults.corrupt(args.url, times=args.times),
        "abort": lambda: faults.abort(args.url, after_bytes=args.bytes, times=args.times),
        "throttle": lambda: faults.throttle(args.url, bytes_per_s=args.bytes, times=args.times),
        "login": lambda: faults.login(args.url),
        "unavailable": lambda: faults.status(args.url, 503, times=args.times),
        "wrong-key": faults.wrong_key,
        "wrong-signature": faults.wrong_signature,
        "clear": faults.clear,
    }
    if args.url is None and args.kind in ("corrupt", "abort", "throttle", "login", "unavailable"):
        raise LabError(f"which URL? `fault {args.kind} URL`")
    actions[args.kind]()


def _small_disk(args: argparse.Namespace) -> None:
    lab = _lab(args).require()
    if args.size_mib:
        small_disk(lab, args.machine, args.path, args.size_mib)
    else:
        whole_disk(lab, args.machine, args.path)


def _add_lab_options(parser: argparse.ArgumentParser) -> None:
    absent = argparse.SUPPRESS
    parser.add_argument("--name", default=absent, help="the lab's name (default: lab)")
    parser.add_argument("--state", type=Path, default=absent, help="its folder (.lab, .lab-NAME)")
    parser.add_argument("--hosts", type=int, default=absent, help="how many machines")
    parser.add_argument("--kinds", default=absent, help="their kinds instead: rtx3090,cpu")


def _parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.lab", description=__doc__)
    top.set_defaults(name="lab", state=None, hosts=DEFAULT_HOSTS, kinds="")
    # Before or after the verb: an absent option must not undo one on the other side of it.
    common = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for parser in (top, common):
        _add_lab_options(parser)
    verbs = top.add_subparsers(dest="verb", required=True)

    def verb(
        name: str, action: Callable[[argparse.Namespace], None], text: str, *, timed: bool = False
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, parents=[common], help=text, description=text)
        added.set_defaults(run=action, timed=timed)
        return added

    verb("setup", _setup, "install the Debian packages that the lab needs")
    verb("image", _image, "build the images and the vendor mirror", timed=True)
    verb("up", _up, "start the lab and write its inventory", timed=True)
    verb("down", lambda args: _lab(args).down(), "end the lab and leave nothing", timed=True)
    verb("inventory", _inventory, "print the inventory")
    verb("guesses", _guesses, "print which relations of the mirror's packages are guesses")
    verb("status", _status, "print what runs, as JSON")
    for name, text in (("stop", "cut a machine's power"), ("start", "start it again")):
        action = verb(name, lambda args: getattr(_lab(args), args.verb)(args.machine), text)
        action.add_argument("machine")
    fault = verb("fault", _fault, "make the vendor mirror misbehave, or `clear`")
    kinds = ["corrupt", "abort", "throttle", "login", "unavailable"]
    kinds += ["wrong-key", "wrong-signature", "clear"]
    fault.add_argument("kind", choices=kinds)
    fault.add_argument("url", nargs="?", help="a URL whose path is a regular expression")
    fault.add_argument("--bytes", type=int, default=100_000, help="before an abort, or per second")
    fault.add_argument("--times", type=int, help="how many requests are hit (default: all)")
    disk = verb("small-disk", _small_disk, "put a small file system over a folder; 0 removes it")
    disk.add_argument("machine")
    disk.add_argument("path")
    disk.add_argument("size_mib", type=int)
    return top


if __name__ == "__main__":
    sys.exit(main())
