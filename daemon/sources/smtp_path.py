"""Reads what SMTP commands say of addresses and names (RFC 5321 §4.1.2, RFC 6531).

It is lenient in what it reads and decides nothing about who may write to whom.
"""

import re

# RFC 5321 §4.5.3.1 wants 64 + 1 + 255 octets at least; VERP makes local parts longer.
PATH_OCTETS = 512
NAME_OCTETS = 255

# The alternatives begin with different characters, so that it is linear.
_PATH = re.compile(
    r"""\s*(?:<((?:"(?:[^"\\]|\\.)*"|[^\s<>"])*)>|([^\s<>"]+))(?:\s+(.*))?""", re.DOTALL
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def split_path(argument: str) -> tuple[str, str] | None:
    """Split "<a@b> SIZE=1" into address and parameters; None if it is no path.

    The null path "<>" is the address "". A path without angle brackets is taken too.
    """
    found = _PATH.fullmatch(argument)
    if found is None:
        return None
    bracketed, plain, parameters = found.groups()
    address = plain if bracketed is None else bracketed
    parameters = parameters or ""
    # Digits of other scripts pass for digits in Python, and not in RFC 1870.
    if len(address.encode()) > PATH_OCTETS or not parameters.isascii():
        return None
    return address, parameters


def split_command(line: bytes) -> tuple[str, str | None]:
    """Split a command line into verb and argument, if it has one.

    The verb is "" when the line is not UTF-8, holds control characters, or does not
    end in CRLF.
    """
    try:
        text = line.decode()
    except UnicodeDecodeError:
        return "", None
    command = text.removesuffix("\r\n")
    if command == text or _CONTROL.search(command):
        return "", None
    verb, _, argument = command.partition(" ")
    return verb.upper(), argument.strip() or None


def is_host_name(name: str) -> bool:
    """Say whether a greeting's name can be borne; its form is nobody's proof."""
    return 0 < len(name.encode()) <= NAME_OCTETS
