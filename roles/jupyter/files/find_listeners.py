"""Print the processes that listen on a TCP port, as JSON: `- PORT UNIT`, without those of the systemd unit UNIT.

Each has `port`, `pid` and `name`; the last two are null where the process cannot be seen.
Reads /proc alone (proc(5), tcp).
"""

import json
import os
import sys
from pathlib import Path

PROC = Path("/proc")
LISTEN = "0A"  # TCP_LISTEN in the kernel's net/tcp_states.h


def listening(port):
    """Return the sockets that listen on a port at any address: inode -> user id."""
    found = {}
    for table in (PROC / "net" / "tcp", PROC / "net" / "tcp6"):
        for fields in (line.split() for line in text(table).splitlines()[1:]):
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found[fields[9]] = int(fields[7])
    return found


def owners(inodes):
    """Yield the process id and inode of each process that has one of the sockets open."""
    sockets = {f"socket:[{inode}]": inode for inode in inodes}
    for link in PROC.glob("[0-9]*/fd/*"):
        try:
            inode = sockets.get(os.readlink(str(link)))  # noqa: PTH115 - Path.readlink came with Python 3.9
        except OSError:
            continue  # closed, or the process has ended
        if inode:
            yield link.parts[2], inode


def text(path):
    """Return what a file of /proc says, nothing where it or the process is gone."""
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return ""


def members(unit):
    """Return the processes of a systemd unit: process id -> user id."""
    found = {}
    for folder in PROC.glob("[0-9]*"):
        if "/" + unit in text(folder / "cgroup"):
            try:
                found[folder.name] = folder.stat().st_uid
            except OSError:
                continue  # it has ended
    return found


def main():
    """Print what listens on the port."""
    port, ours = int(sys.argv[1]), members(sys.argv[2])
    sockets = listening(port)
    processes = list(owners(sockets))
    found = [
        {"port": port, "pid": int(pid), "name": text(PROC / pid / "comm")}
        for pid in sorted({pid for pid, _inode in processes}, key=int)
        if pid not in ours
    ]
    # Root without CAP_SYS_PTRACE, in a container, does not see who holds another user's socket: then its user must do.
    seen = {inode for _pid, inode in processes}
    for inode, user in sockets.items():
        if inode not in seen and user not in ours.values():
            found.append({"port": port, "pid": None, "name": None})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
