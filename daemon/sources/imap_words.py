"""Words to and from an IMAP server: what may go out, and what of it may be repeated.

Folder names, keywords and user names go into commands, where a line break would begin
another command (RFC 9051 §2.2); what a server says goes into logs and lists, where it
must not paint a terminal. Neither direction is trusted.

    MailboxTrouble     the mailbox cannot be worked at the moment
    ├── Refused        the server does not let us in with what we have
    ├── Denied         one command was answered NO or BAD; the connection is fine
    └── Broken         the connection is of no more use
"""

import re

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
_KEYWORD = re.compile(r"[A-Za-z0-9$_.+-]{1,100}", re.ASCII)
_SYSTEM_FLAGS = frozenset({"\\Flagged", "\\Answered", "\\Seen"})
# Dovecot ends its answers with the time they took, which makes each one look new.
_TIMING = re.compile(r" ?\([0-9.]+ \+ [0-9. +a-z]{0,40}secs\)\.?", re.ASCII)
_LONGEST = 200


class MailboxTrouble(Exception):
    """Says in words, fit for an operator, what is wrong with a mailbox."""


class Refused(MailboxTrouble):
    """The server refuses our user, password or token, or we have none to show."""


class Denied(MailboxTrouble):
    """One command was not done; the connection can be used further."""


class Broken(MailboxTrouble):
    """The connection is dead, or answers in a way that cannot be followed."""


def guarded(value: str, what: str) -> str:
    """Return the value; raise ValueError if it is empty or could end a command."""
    if not value or _CONTROL.search(value):
        raise ValueError(f"{what} is empty or holds a control character: {value!r}")
    return value


def keyword(value: str) -> str:
    """Return a flag that can be stored; raise ValueError for any other word."""
    if value in _SYSTEM_FLAGS or _KEYWORD.fullmatch(value):
        return value
    raise ValueError(
        f"{value!r} is no IMAP keyword; take letters, digits and $ _ . + -"
    )


def quoted(value: str) -> str:
    """Write a quoted string (RFC 9051 §4.3); imaplib leaves a user name bare."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def repeatable(text: object, *secrets: str) -> str:
    """Make what a server said fit for one line of a log, without our secrets in it.

    A server may repeat the command that it did not understand, password and all.
    """
    words = str(text)
    for secret in secrets:
        if secret:
            words = words.replace(secret, "***")
    return _TIMING.sub("", _CONTROL.sub(" ", words)).strip()[:_LONGEST]
