"""Print the argon2 hash of a password: `-c SCRIPT STORED`, the password on standard input.

The hash in the file STORED is kept where it is the password's; else a new one is made.
"""

import sys
from pathlib import Path

from jupyter_server.auth.security import passwd, passwd_check


def main():
    """Print the hash that is to be stored."""
    stored, password = Path(sys.argv[1]), sys.stdin.read()
    known = stored.read_text(encoding="utf-8").strip() if stored.exists() else ""
    try:
        kept = known.startswith("argon2:") and passwd_check(known, password)
    except ValueError:  # argon2's InvalidHashError: the file was damaged
        kept = False
    print(known if kept else passwd(password, algorithm="argon2"))


if __name__ == "__main__":
    main()
