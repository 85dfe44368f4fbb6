#!/usr/bin/python3
"""Stand-in of the dlconf lab for google-drive-ocamlfuse 0.7: a folder of the machine is what Google would hold.

It takes the real program's options, reads and rewrites `config` and `state` as that one does, checks the credentials
against those that the folder's owner stated, and mounts the folder by FUSE (bindfs).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from pathlib import Path

VERSION = "0.7.32"
# What stands for Google: {"folder": PATH, "knows": [sha256 of credentials]}.
GOOGLE = Path("/etc/stand-in-google-drive.json")
FLAGS = ("f", "d", "m", "s", "cc", "headless", "skiptrash", "xdgbd", "verbose", "debug", "device")
VALUES = ("id", "secret", "browser", "docsmode", "serviceaccountuser", "log_to", "scope")
SETTINGS = {
    "client_id": "",
    "client_secret": "",
    "verification_code": "",
    "service_account_credentials_path": "",
    "service_account_user_to_impersonate": "",
    "data_directory": "",
    "cache_directory": "",
    "log_directory": "",
    "root_folder": "",
    "team_drive_id": "",
    "read_only": "false",
    "umask": "0o022",
}
STATE = (
    "access_token_date",
    "auth_request_date",
    "auth_request_id",
    "last_access_token",
    "refresh_token",
    "saved_version",
)


def main() -> None:
    """Mount as the command line says, or end with the real program's words."""
    options = command_line()
    if options.version:
        print(f"google-drive-ocamlfuse, version {VERSION} (stand-in of the dlconf lab)")
        return
    mountpoint = Path(options.mountpoint)
    if not mountpoint.is_dir():
        raise SystemExit(f"Error: Mountpoint {mountpoint} should be an existing directory.")
    base = Path(options.gdfroot or Path.home() / ".gdfuse") / options.label
    xdg = Path.home() / ".config/gdfuse" / options.label / "config"
    path = Path(options.config or (xdg if xdg.exists() else base / "config"))
    config = {**SETTINGS, **read(path)}
    account = options.serviceaccountpath or config["service_account_credentials_path"]
    data = Path(config["data_directory"] or base)
    for folder in (data, Path(config["cache_directory"] or data / "cache")):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    write(path, config)
    google = json.loads(GOOGLE.read_text(encoding="utf-8"))
    state = read(data / "state") or dict.fromkeys(STATE, "")
    credentials = of_service(Path(account)) if account else of_person(config, state)
    if hashlib.sha256(credentials.encode()).hexdigest() not in google["knows"]:
        raise SystemExit("Invalid refresh token. Quitting.")
    state["last_access_token"] = os.urandom(8).hex()
    write(data / "state", {**state, "saved_version": VERSION})
    root = config["root_folder"]
    if root and not root.startswith("/"):
        raise SystemExit(f"Error: the stand-in knows no folder by its id: {root}")
    mount(Path(google["folder"]) / root.lstrip("/"), mountpoint, options.fuse)


def command_line() -> argparse.Namespace:
    """Return the options; as in the real program a lone gdfroot leaves FUSE an empty `-o`."""
    parser = argparse.ArgumentParser(prog="google-drive-ocamlfuse", allow_abbrev=False)
    for name in (*FLAGS, "version"):
        parser.add_argument(f"-{name}", action="store_true")
    for name in VALUES:
        parser.add_argument(f"-{name}", default="")
    parser.add_argument("-label", default="default")
    parser.add_argument("-config", default="")
    parser.add_argument("-serviceaccountpath", default="")
    parser.add_argument("-o", action="append", default=[])
    parser.add_argument("mountpoint", nargs="?", default=".")
    options = parser.parse_args()
    words = [word for part in options.o for word in part.split(",")]
    roots = [word.partition("=")[2] for word in words if word.startswith("gdfroot")]
    options.gdfroot = roots[-1] if roots else ""
    options.fuse = [word for word in words if not word.startswith("gdfroot")]
    if roots and not options.fuse:
        raise SystemExit("fuse: unknown option `-obig_writes'")
    return options


def read(path: Path) -> dict[str, str]:
    """Return the lines `key=value` of a file, nothing where there is none."""
    if not path.exists():
        return {}
    values = {}
    known = (*SETTINGS, *STATE)
    for line in path.read_text(encoding="utf-8").splitlines():
        key, found, value = line.partition("=")
        if not found or key not in known:
            raise SystemExit(f"Error: Cannot parse configuration {path}: unknown key '{key}'")
        values[key] = value
    if path.name == "state" and set(values) != set(STATE):
        raise SystemExit("Error: Not_found")
    return values


def write(path: Path, values: dict[str, str]) -> None:
    """Write a file anew, in an order of its own."""
    text = "".join(f"{key}={values[key]}\n" for key in sorted(values))
    path.write_text(text, encoding="utf-8")


def of_service(path: Path) -> str:
    """Return the credentials of a service account, from the key file that Google gives."""
    account = json.loads(path.read_text(encoding="utf-8"))
    if account["type"] != "service_account":
        raise SystemExit(f"Error: {path} is no service account's")
    return "\n".join([account["client_email"], account["private_key"]])


def of_person(config: dict[str, str], state: dict[str, str]) -> str:
    """Return the credentials of a person's account, which are of three parts in two files."""
    if not (config["client_id"] and config["client_secret"]):
        raise SystemExit(
            "Error: In headless mode, you should specify a client id and a client secret"
        )
    if not state["refresh_token"]:
        raise SystemExit("Please enter the verification code: \nCannot retrieve auth tokens.")
    return "\n".join([config["client_id"], config["client_secret"], state["refresh_token"]])


def mount(folder: Path, mountpoint: Path, options: list[str]) -> None:
    """Become the process that serves the mount."""
    names = ["fsname=google-drive-ocamlfuse", "subtype=google-drive-ocamlfuse"]
    words = ",".join([*names, *options])
    sys.stdout.flush()
    # bindfs would show the folder to others unasked
    argv = ["bindfs", "-f", "--no-allow-other", "-o", words, str(folder), str(mountpoint)]
    os.execv("/usr/bin/bindfs", argv)  # noqa: S606 (no shell is what is wanted)


if __name__ == "__main__":
    main()
