"""Messages that lie in files: .eml, mbox, maildir, a folder of these, or stdin.

For `ingest` and `parse`, which hand them in like any other mail. The bytes of a
message are never changed, not even its line ends; only what an mbox itself adds to
them is taken away. Nothing is ever moved, marked or deleted.
"""

import errno
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from itertools import takewhile
from pathlib import Path
from typing import IO

from chamado.daemon.sources import file_mbox

STDIN = "-"
_FIRST_LINE = 1024
#: A message has a field at its top; fifty lines of anything else before it are enough.
_TOP_LINES, _TOP_BYTES = 50, 65_536
_FIELD = re.compile(rb"(\xef\xbb\xbf)?[A-Za-z0-9_$-][A-Za-z0-9_.$-]*[ \t]*:|>?From ")


class NoSuchInput(Exception):
    """There is no mail under that name; says in words what to do (sysexits' 66)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundMessage:
    """One message and where it was found.

    `file` is a path, with `#NUMBER` behind that of an mbox. `received_at` is known for
    mbox and maildir only: the date of an .eml file is that of its last copy.
    `guessed` when nothing but the hand that typed its name says that it is a message.
    """

    file: str
    content: bytes
    received_at: datetime | None = None
    guessed: bool = False


def looks_like_mail(content: bytes) -> bool:
    """Whether there is one header field at the top (RFC 5322 §2.2), however broken the
    rest is: a paragraph, behind empty lines, in which some line begins with `Name:`."""
    lines = content[:_TOP_BYTES].lstrip(b"\r\n").splitlines()[:_TOP_LINES]
    return any(_FIELD.match(line) for line in takewhile(bool, lines))


def source_key(content: bytes) -> str:
    """Return the reason why taking the same bytes in twice is harmless."""
    return f"file:{sha256(content).hexdigest()}"


def messages(
    path: str,
    most: int | None = None,
    left_out: Callable[[str], None] = lambda _: None,
) -> Iterator[FoundMessage]:
    """Yield every message under a path, or of stdin for `-`, in a stable order.

    Of a message that is larger than `most` bytes about as many are read, and at least
    one more: enough to see that it is too large, and no more than memory has room for.
    What lies in a folder and is no mail by its name is told to `left_out`.
    Raises NoSuchInput where there is none, PermissionError where we may not look.
    """
    if path == STDIN:
        yield from _stream(sys.stdin.buffer, STDIN, most)
        return
    at = Path(path)
    if not at.is_dir():
        yield from _file(at, most)
        return
    found = False
    for message in _folder(at, most, left_out):
        found = True
        yield message
    if not found:
        raise NoSuchInput(f"{path} holds no mail: no .eml or .mbox file, no maildir")


def count(path: str) -> int:
    """Return how many messages there are under a path, for a progress bar.

    What can be read only once (stdin, a pipe) counts as one. Raises as `messages`.
    """
    if path == STDIN:
        return 1
    at = Path(path)
    if not at.exists():
        raise NoSuchInput(f"{at}: {os.strerror(errno.ENOENT)}; check the path")
    return sum(map(_count, _files(at))) if at.is_dir() else _count(at)


def _folder(
    at: Path, most: int | None, left_out: Callable[[str], None]
) -> Iterator[FoundMessage]:
    for file in _files(at, left_out):
        if _is_maildir(file.parent.parent):
            yield from _maildir_message(file, most)
        else:
            yield from _file(file, most, lone=False)


def _files(
    at: Path, left_out: Callable[[str], None] = lambda _: None
) -> Iterator[Path]:
    """Yield the files with mail in them; symbolic links to folders are not followed."""
    if _is_maildir(at):
        listed = (f for part in ("new", "cur") for f in sorted((at / part).iterdir()))
        yield from (f for f in listed if f.is_file() and not f.name.startswith("."))
        return
    for entry in sorted(at.iterdir()):
        if entry.is_dir() and not entry.is_symlink():
            yield from _files(entry, left_out)
        elif entry.is_file() and _holds_mail(entry):
            yield entry
        elif why := _no_mail(entry):
            left_out(f"{entry}: {why}")


def _no_mail(entry: Path) -> str:
    """Say why something in a folder is not read, or nothing where nobody expects it:
    an empty mailbox, and what file managers hide."""
    if entry.name.startswith(".") or entry.suffix.lower() == ".mbox":
        return ""
    if entry.is_dir():
        return "is a link to a folder, which is not followed"
    return "is no .eml or .mbox file; if it is a message, give it by name"


def _holds_mail(file: Path) -> bool:
    """Judge by the name; an empty .mbox is what a mailbox without mail looks like."""
    kind = file.suffix.lower()
    return kind == ".eml" or (kind == ".mbox" and file.stat().st_size > 0)


def _is_maildir(at: Path) -> bool:
    return (at / "cur").is_dir() and (at / "new").is_dir()


def _maildir_message(file: Path, most: int | None) -> Iterator[FoundMessage]:
    """Yield the message if it is still there, perhaps under the name it got since."""
    unique = file.name.partition(":")[0]
    renamed = file.parent.parent / "cur"
    for candidate in (file, *renamed.glob(f"{unique}:*"), renamed / unique):
        with suppress(FileNotFoundError):
            with candidate.open("rb") as stream:
                content = stream.read(_room(most))
            date = datetime.fromtimestamp(candidate.stat().st_mtime, UTC)
            yield FoundMessage(
                file=str(candidate), content=content, received_at=_past(date)
            )
            return


def _room(most: int | None) -> int:
    """How many bytes to read: one too many, or all."""
    return -1 if most is None else most + 1


def _file(at: Path, most: int | None, *, lone: bool = True) -> Iterator[FoundMessage]:
    try:
        with at.open("rb") as stream:
            yield from _stream(stream, str(at), most, lone=lone)
    except PermissionError:
        raise
    except OSError as error:
        raise NoSuchInput(f"{at}: {error.strerror}; check the path") from None


def _stream(
    stream: IO[bytes], name: str, most: int | None, *, lone: bool = True
) -> Iterator[FoundMessage]:
    """Yield what a stream holds; a lone one that is empty is no input."""
    first = stream.readline(_FIRST_LINE)
    if file_mbox.begins(first):
        found = file_mbox.entries(stream, first=first, most=most)
        for number, entry in enumerate(found, 1):
            yield FoundMessage(
                file=f"{name}#{number}",
                content=entry.content,
                received_at=_past(entry.received_at),
            )
    elif first or not lone:
        named = name == STDIN or name.lower().endswith(".eml")
        content = first + stream.read(_room(most))
        yield FoundMessage(file=name, content=content, guessed=not named)
    else:
        raise NoSuchInput(f"{name} is empty: give a message, an mbox or a maildir")


def _count(at: Path) -> int:
    if not at.is_file():
        return 1
    with at.open("rb") as stream:
        if not file_mbox.begins(stream.readline(_FIRST_LINE)):
            return 1
        stream.seek(0)
        return file_mbox.count(stream)


def _past(date: datetime | None) -> datetime | None:
    """Leave out dates that have not been yet: no promise begins to run in future."""
    return date if date and date <= datetime.now(UTC) else None
