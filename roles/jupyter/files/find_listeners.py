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


def listening_inodes(port):
    """Return the inodes of the sockets that listen on a port, at any address."""
    found = set()
    for table in (PROC / "net" / "tcp", PROC / "net" / "tcp6"):
        for fields in (line.split() for line in text(table).splitlines()[1:]):
            if fields[3] == LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                found.add(fields[9])
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


def main():
    """Print what listens on the port."""
    port, unit = int(sys.argv[1]), sys.argv[2]
    inodes = listening_inodes(port)
    processes = list(owners(inodes))
    found = [
        {"port": port, "pid": int(pid), "name": text(PROC / pid / "comm")}
        for pid in sorted({pid for pid, _inode in processes}, key=int)
        if "/" + unit not in text(PROC / pid / "cgroup")
    ]
    unseen = inodes - {inode for _pid, inode in processes}
    print(json.dumps(found + [{"port": port, "pid": None, "name": None} for _ in unseen]))


if __name__ == "__main__":
    main()
