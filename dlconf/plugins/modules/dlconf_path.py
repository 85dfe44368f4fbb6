#!/usr/bin/python
"""Make, write or remove one path as the user whose it is: a link of the user's leads nowhere that the user may not go.

It runs on the host with Python's standard library only (3.8 to 3.14).
"""

from __future__ import annotations

import errno
import grp
import json
import os
import pwd
import select
import signal
import stat
import tempfile
import time
from typing import Any, Iterator

from ansible.module_utils.basic import AnsibleModule

DOCUMENTATION = r"""
module: dlconf_path
short_description: Make, write or remove one path as the user whose it is
description:
  - Whoever may change a folder may put a link where root is about to write, and no look beforehand can exclude it.
  - So a child process gives root's rights up for good before it touches what somebody other than root can change;
    the kernel then judges each step by the user's own rights. It needs neither sudo nor the user's login shell.
  - Root itself makes a folder only where nobody else can change what leads to it.
options:
  path: {type: str, required: true, description: ['an absolute path; C(~) is the home of the user']}
  user: {type: str, default: root, description: [whose path it is]}
  state:
    type: str
    default: file
    choices: [directory, file, absent, protected]
    description:
      - C(directory) is made where it is missing, with what leads to it. An empty one of root's is given to the user.
      - C(file) gets the content, or the lines that it lacks; with neither it is only told whether there is one.
      - C(absent) removes a file or a link.
      - C(protected) changes nothing and fails where somebody other than root can change what the path leads to.
  content: {type: str, description: [all that the file holds]}
  lines: {type: list, elements: str, description: [lines that the file must have beside its others]}
  mode: {type: str, description: ['octal, such as "0600"']}
author: dlconf
"""
RETURN = r"""
exists: {type: bool, returned: state is file, description: a file of the user's own was there before}
"""

LIMIT_S = (
    60  # a home on a server that is gone, or a file system of the user's own, may never answer
)
LIMIT_BYTES = 1 << 20  # no file of lines is near this
LINKS = 40  # as the kernel counts them (path_resolution(7))
STAFF = "staff"  # its members write below /usr/local, as good as root (Debian's policy, 9.1.2)
MISSING = (errno.ENOENT, errno.ENOTDIR)


class Refused(Exception):
    """The path cannot be as it should be; the text says why, and what to do."""


def exposed(path: str) -> str | None:
    """Return what on a path somebody other than root can replace; None where only root can.

    Each entry is looked at in a folder that only root can change, so nobody else can outdate the answer.
    """
    current, rest, links, closed = "/", names(path), 0, True
    while rest:
        folder = os.lstat(current)
        if stat.S_ISDIR(folder.st_mode):
            closed = is_closed(folder)
            if not closed and not (folder.st_uid == 0 and folder.st_mode & stat.S_ISVTX):
                return current
        current = os.path.normpath(os.path.join(current, rest.pop(0)))
        try:
            entry = judged(current)
        except OSError as error:
            return None if closed and error.errno in MISSING else current
        # A sticky folder keeps a folder of root's where it is; a link of root's may have been moved there.
        if entry is None or (not closed and (entry.st_uid != 0 or not stat.S_ISDIR(entry.st_mode))):
            return current
        if stat.S_ISLNK(entry.st_mode):
            target, links = os.readlink(current), links + 1
            if links > LINKS:
                raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), path)
            rest = names(target) + rest
            current = "/" if target.startswith("/") else os.path.dirname(current)
    return None


def judged(path: str) -> os.stat_result | None:
    """Return the status of a path; None where a user mounted it, whose word on owners counts nothing."""
    # While it is open, its mount keeps its number.
    descriptor = os.open(path, os.O_PATH | os.O_NOFOLLOW)
    try:
        with open(f"/proc/self/fdinfo/{descriptor}") as file:
            number = dict(line.split(":", 1) for line in file)["mnt_id"].strip()
        with open("/proc/self/mountinfo") as file:
            options = {line.split()[0]: line.split()[-1] for line in file}
        return None if of_a_user(options.get(number)) else os.fstat(descriptor)
    finally:
        os.close(descriptor)


def of_a_user(options: str | None) -> bool:
    """Say by its options (FUSE's user_id) whether a user mounted it; one that is gone by now may be a user's."""
    if options is None:
        return True
    given = dict(word.split("=", 1) for word in options.split(",") if "=" in word)
    return given.get("user_id", "0") != "0"


def names(path: str) -> list[str]:
    return [part for part in path.split("/") if part]


def is_closed(folder: os.stat_result) -> bool:
    """Say whether only root makes and removes entries in a folder; access control lists show in the group's bits."""
    if folder.st_uid != 0 or folder.st_mode & stat.S_IWOTH:
        return False
    if not folder.st_mode & stat.S_IWGRP or folder.st_gid == 0:
        return True
    try:
        return grp.getgrgid(folder.st_gid).gr_name == STAFF
    except KeyError:
        return False


class Task:
    """What the module is asked for, done with the user's rights.

    Args:
        parameters: of the module.
        account: of the user.
        check: change nothing.
    """

    def __init__(self, parameters: dict[str, Any], account: pwd.struct_passwd, check: bool) -> None:
        path = parameters["path"]
        if path == "~" or path.startswith("~/"):
            path = account.pw_dir + path[1:]
        if not path.startswith("/"):
            raise Refused(f"{path} is no absolute path. Next: write it from / or ~ on.")
        self.path = os.path.normpath(path)
        self.mode = int(parameters["mode"], 8) if parameters["mode"] else None
        self.content, self.wanted = parameters["content"], parameters["lines"]
        self.state, self.account, self.check = parameters["state"], account, check

    def run(self) -> dict[str, Any]:
        """Do it and return the module's result.

        Raises:
            Refused: it cannot be as it should be.
            OSError: the kernel refused a step.
        """
        if self.state == "protected":
            self.require_protected()
            return {"changed": False}
        if self.state == "directory":
            return {"changed": self.directory()}
        self.become()
        if self.state == "absent":
            return {"changed": self.absent()}
        if self.content is not None:
            return self.file(self.content.encode())
        return self.lines(self.wanted) if self.wanted is not None else self.kept()

    def become(self) -> None:
        """Give root's rights up for good; root's own path must be one that only root can change."""
        if self.account.pw_uid == 0:
            self.require_protected()
        elif os.geteuid() == 0:
            os.initgroups(self.account.pw_name, self.account.pw_gid)
            os.setgid(self.account.pw_gid)
            os.setuid(self.account.pw_uid)

    def require_protected(self) -> None:
        part = exposed(self.path)
        if part is not None:
            raise Refused(
                f"Somebody other than root can change {part}, so root does not write to {self.path}; nothing was"
                f" changed there. Next: let {part} belong to root, writable by nobody else, or choose another path."
            )

    def directory(self) -> bool:
        changed = False
        for part in prefixes(self.path):
            if os.geteuid() == 0 and (self.account.pw_uid == 0 or exposed(part) is not None):
                self.become()
            try:
                found = os.stat(part)
            except FileNotFoundError:
                changed = True
                if self.check:
                    break
                self.make(part)
            else:
                changed = changed or (part == self.path and self.settle(found))
        return changed

    def make(self, path: str) -> None:
        os.mkdir(path, 0o700)
        os.chmod(path, self.mode or 0o755)
        if os.geteuid() == 0:  # only root can change what leads here, so it is the one just made
            os.chown(path, self.account.pw_uid, self.account.pw_gid)

    def settle(self, found: os.stat_result) -> bool:
        """Let the directory that is there have owner and mode; say whether it had not."""
        if not stat.S_ISDIR(found.st_mode):
            raise Refused(f"{self.path} is no folder. Next: move it away, or choose another path.")
        given = found.st_uid != self.account.pw_uid
        if given and (os.geteuid() != 0 or found.st_uid != 0 or os.listdir(self.path)):
            raise Refused(self.of_another(found))
        moded = self.set_mode(found)
        if given and not self.check:
            os.chown(self.path, self.account.pw_uid, self.account.pw_gid)
        return given or moded

    def set_mode(self, found: os.stat_result) -> bool:
        if self.mode is None or stat.S_IMODE(found.st_mode) == self.mode:
            return False
        if not self.check:
            os.chmod(self.path, self.mode)
        return True

    def of_another(self, found: os.stat_result) -> str:
        try:
            owner = pwd.getpwuid(found.st_uid).pw_name
        except KeyError:
            owner = f"user {found.st_uid}"
        return (
            f"{self.path} belongs to {owner}, not to {self.account.pw_name}; it was left as it is."
            f" Next: give it to {self.account.pw_name}, or choose another path."
        )

    def absent(self) -> bool:
        found = self.look()
        if found is not None and not self.check:
            os.unlink(self.path)
        return found is not None

    def look(self) -> os.stat_result | None:
        try:
            return os.lstat(self.path)
        except OSError as error:
            # The folder may be about to be given to the user.
            to_come = self.check and error.errno == errno.EACCES
            if error.errno not in MISSING and not to_come:
                raise
            return None

    def is_own(self, found: os.stat_result | None) -> bool:
        """Say whether what was found is a file of the user's own."""
        return (
            found is not None
            and stat.S_ISREG(found.st_mode)
            and found.st_uid == self.account.pw_uid
        )

    def kept(self) -> dict[str, Any]:
        found = self.look()
        if found is None or not self.is_own(found):
            return {"changed": False, "exists": False}
        return {"changed": self.set_mode(found), "exists": True}

    def read(self, limit: int) -> bytes:
        """Read the file; what was put in its place since the last look is not waited for."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
        with os.fdopen(descriptor, "rb") as file:
            return file.read(limit)

    def file(self, content: bytes) -> dict[str, Any]:
        found = self.look()
        if found is not None and self.is_own(found) and self.read(len(content) + 1) == content:
            return {"changed": self.set_mode(found), "exists": True}
        if not self.check:
            self.replace(content)
        return {"changed": True, "exists": self.is_own(found)}

    def replace(self, content: bytes) -> None:
        descriptor, name = tempfile.mkstemp(prefix=".dlconf-", dir=os.path.dirname(self.path))
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                os.fchmod(file.fileno(), self.mode or 0o600)
            os.replace(name, self.path)
        except BaseException:
            os.unlink(name)
            raise

    def lines(self, wanted: list[str]) -> dict[str, Any]:
        found = self.look()
        if found is not None and not stat.S_ISREG(found.st_mode):
            raise Refused(
                f"{self.path} is a link, or no file; nothing was written there. Next: put a file in its place."
            )
        if found is not None and not self.is_own(found):
            raise Refused(self.of_another(found))
        moded = self.set_mode(found) if found else False
        text = self.read(LIMIT_BYTES) if found else b""
        if len(text) == LIMIT_BYTES:
            raise Refused(
                f"{self.path} has more than {LIMIT_BYTES} bytes. Next: see what it holds."
            )
        there = {line.strip() for line in text.decode(errors="replace").splitlines()}
        missing = "".join(f"{line.strip()}\n" for line in wanted if line.strip() not in there)
        if missing and not self.check:
            start = b"" if not text or text.endswith(b"\n") else b"\n"
            self.replace(text + start + missing.encode())
        diff = {"before": "", "after": missing, "after_header": self.path}
        return {"changed": moded or bool(missing), "exists": found is not None, "diff": diff}


def prefixes(path: str) -> Iterator[str]:
    """Give the folders that lead to a path, from the root's on, and at last the path itself."""
    for index, letter in enumerate(path):
        if letter == "/" and index:
            yield path[:index]
    yield path


def answer(parameters: dict[str, Any], account: pwd.struct_passwd, check: bool) -> dict[str, Any]:
    """Return the module's result; that of a failure has `msg`."""
    os.umask(0o077)
    os.chdir("/")
    user, path = account.pw_name, parameters["path"]
    try:
        return Task(parameters, account, check).run()
    except Refused as error:
        return {"msg": str(error)}
    except OSError as error:
        reason = f"{error.filename or path}: {error.strerror}"
        return {
            "msg": f"{user} cannot change {path}: {reason}. It was tried with the rights of {user} alone."
            f" Next: let {user} write there, or choose another path."
        }


def apart(parameters: dict[str, Any], account: pwd.struct_passwd, check: bool) -> dict[str, Any]:
    """Return the module's result from a child process, which the user may stop or end."""
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writer, json.dumps(answer(parameters, account, check)).encode())
        finally:
            os._exit(0)
    os.close(writer)
    text = heard(reader)
    os.kill(child, signal.SIGKILL)
    if text:
        os.waitpid(child, 0)
        result: dict[str, Any] = json.loads(text)
        return result
    return {
        "msg": f"{parameters['path']} of {account.pw_name} gave no answer within {LIMIT_S} s, or the process was ended."
        " Next: look at the file systems that are mounted there, and run again."
    }


def heard(reader: int) -> bytes:
    """Return what the child says until its end; nothing where LIMIT_S pass before."""
    text, limit = b"", time.monotonic() + LIMIT_S
    while select.select([reader], [], [], max(0.0, limit - time.monotonic()))[0]:
        part = os.read(reader, 65536)
        if not part:
            return text
        text += part
    return b""


def main() -> None:
    states = ["directory", "file", "absent", "protected"]
    module = AnsibleModule(
        argument_spec={
            "path": {"type": "str", "required": True},
            "user": {"type": "str", "default": "root"},
            "state": {"type": "str", "default": "file", "choices": states},
            "content": {"type": "str", "no_log": True},
            "lines": {"type": "list", "elements": "str"},
            "mode": {"type": "str"},
        },
        mutually_exclusive=[("content", "lines")],
        supports_check_mode=True,
    )
    given = module.params
    try:
        account = pwd.getpwnam(given["user"])
    except KeyError:
        if module.check_mode:  # the user is still to come
            makes = given["state"] == "directory" or given["content"] is not None or given["lines"]
            module.exit_json(changed=bool(makes), exists=False)
        module.fail_json(
            msg=f"There is no user {given['user']}. Next: make the user, or mend the name."
        )
    if os.geteuid() not in (0, account.pw_uid):
        module.fail_json(
            msg=f"Only root can work as {given['user']}. Next: run the task with become."
        )
    result = apart(given, account, module.check_mode)
    if "msg" in result:
        module.fail_json(**result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
