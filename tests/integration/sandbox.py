"""Runs a command under the system call filter of the unit, without systemd.

    python tests/integration/sandbox.py COMMAND…

Reads SystemCallFilter=, SystemCallErrorNumber= and MemoryDenyWriteExecute= out of
systemd/chamado.service, builds the same filter with libseccomp, and execs the command.
Exits 69 with the reason where the machine cannot do that.
"""

import ctypes
import errno
import os
import re
import subprocess
import sys
from pathlib import Path

UNIT = Path(__file__).parents[2] / "systemd" / "chamado.service"
ALLOW = 0x7FFF0000
ERRNO = 0x00050000
PROT_WRITE, PROT_EXEC, SHM_EXEC = 2, 4, 0o100000
MASKED_EQ = 7


class Argument(ctypes.Structure):
    """Struct scmp_arg_cmp: argument number, comparison, mask, value."""

    _fields_ = (
        ("number", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("mask", ctypes.c_uint64),
        ("value", ctypes.c_uint64),
    )


def calls(group: str) -> set[str]:
    """Return the system calls of a group like @system-service."""
    command = ["systemd-analyze", "syscall-filter", "--no-pager", group]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    names = set(re.findall(r"^    (@?[a-z0-9_-]+)$", text, re.MULTILINE))
    groups = {name for name in names if name.startswith("@")}
    return (names - groups).union(*map(calls, groups))


def allowed(unit: str) -> set[str]:
    """Return what all SystemCallFilter lines together leave."""
    found: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", unit, re.MULTILINE):
        named = set().union(*map(calls, line.removeprefix("~").split()))
        found = found - named if line.startswith("~") else found | named
    return found


def install(unit: str) -> None:
    """Put the filter on this process and all it starts."""
    library = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    library.seccomp_init.restype = ctypes.c_void_p
    refuse = ERRNO | errno.EPERM
    context = ctypes.c_void_p(library.seccomp_init(ctypes.c_uint32(refuse)))

    def add(name: str, action: int, *arguments: Argument) -> None:
        number = library.seccomp_syscall_resolve_name(name.encode())
        array = (Argument * len(arguments))(*arguments)
        if number >= 0:
            library.seccomp_rule_add_array(
                context, ctypes.c_uint32(action), number, len(arguments), array
            )

    guarded = {
        "mmap": Argument(2, MASKED_EQ, PROT_WRITE | PROT_EXEC, 0),
        "mprotect": Argument(2, MASKED_EQ, PROT_EXEC, 0),
        "pkey_mprotect": Argument(2, MASKED_EQ, PROT_EXEC, 0),
        "shmat": Argument(2, MASKED_EQ, SHM_EXEC, 0),
    }
    for name in allowed(unit):
        if name not in guarded:
            add(name, ALLOW)
    # Allowed: memory that is written or executed, and not both.
    for name, no_execution in guarded.items():
        add(name, ALLOW, no_execution)
    add("mmap", ALLOW, Argument(2, MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_EXEC))
    add("mmap", ALLOW, Argument(2, MASKED_EQ, PROT_WRITE | PROT_EXEC, PROT_WRITE))
    if failure := library.seccomp_load(context):
        raise OSError(-failure, os.strerror(-failure))


if __name__ == "__main__":
    try:
        install(UNIT.read_text())
    except (OSError, subprocess.CalledProcessError) as trouble:
        sys.stderr.write(f"no filter on this machine: {trouble}\n")
        raise SystemExit(os.EX_UNAVAILABLE) from None
    # Running what it is given is what this script is for; only tests give it.
    os.execvp(sys.argv[1], sys.argv[1:])  # noqa: S606
