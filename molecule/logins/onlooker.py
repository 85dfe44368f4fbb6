"""Note every command line on the machine, as any of its users can: `onlooker.py FILE`."""

import sys
import time
from pathlib import Path

seen = set()
with Path(sys.argv[1]).open("a", buffering=1) as notes:
    while True:
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
            except OSError:
                continue  # it has just ended
            if line not in seen:
                seen.add(line)
                notes.write(line.replace("\n", " ") + "\n")
        time.sleep(0.02)
