"""Reads the content of one mail off the wire, block by block (RFC 5321 §4.5.2).

Only CRLF.CRLF ends it; every other spelling of a line end has been used to smuggle a
second mail past a border. Memory is bounded by the limit whatever the lines look like,
and time is linear in the bytes. It does no I/O and knows no clock.
"""

import hashlib
import re
from enum import StrEnum

END = b"\r\n.\r\n"
# A CR that is not followed by LF and something else than a dot: where there is none, a
# block is plain, and one look of this kind costs a quarter of the questions it saves.
_ODD = re.compile(rb"\r(?!\n[^.])")
# A hundred trace headers with all that belongs to them fit in this many octets.
_HEAD = 1_048_576


class Fault(StrEnum):
    """Why a content cannot be taken."""

    TOO_BIG = "too_big"
    NO_ROOM = "no_room"
    BARE_NEWLINE = "bare_newline"


class DataReader:
    """The content of one mail while it arrives.

    `limit` is in octets of the content, without the dots added for transparency.
    `normalize` turns a CR or LF that stands alone into CRLF; without it such a mail is
    at fault. After a fault nothing is kept, and only the end is looked for.

    `received` counts the octets on the wire, `held` those of the content in memory;
    `reserved` is the note of whoever sets memory aside for them.
    """

    def __init__(self, *, limit: int, normalize: bool) -> None:
        self.fault: Fault | None = None
        self.received = 0
        self.held = 0
        self.reserved = 0
        self._limit = limit
        self._normalize = normalize
        self._body = bytearray()
        self._digest = hashlib.sha256()
        # The content starts at the start of a line: pretend that a CRLF came before,
        # so that a first line ".", and a first line with a dot, need no special case.
        self._tail = b"\r\n"
        self._pretended = 2

    def feed(self, block: bytes) -> bytes | None:
        """Take a block; return what follows the end, or None while there is no end."""
        self.received += len(block)
        data = self._tail + block if self._tail else block
        if _ODD.search(data) is None:
            self._tail = b""
            self._take(data, plain=True)
            return None
        end = data.find(END)
        if end < 0:
            cut = len(data) - _beginning_of_end(data)
            self._take(data[:cut])
            self._tail = data[cut:]
            return None
        self._take(data[: end + 2])
        return data[end + len(END) :]

    def give_up(self, fault: Fault) -> None:
        """Forget the content and keep none of what still comes."""
        self.fault = fault
        self.held = 0
        self._body = bytearray()

    def content(self) -> bytes:
        """Hand the content over and forget it; call it once, after the end."""
        whole = bytes(self._body)
        self._body = bytearray()
        return whole

    def digest(self) -> str:
        """Return the SHA-256 of the content in hexadecimal digits."""
        return self._digest.hexdigest()

    def _take(self, piece: bytes, *, plain: bool = False) -> None:
        if self.fault or not piece:
            return
        if not plain:
            # Before bare newlines become lines: the sender stuffed after CRLF.
            piece = piece.replace(b"\r\n.", b"\r\n")
        # A CR at the end of a block waits in the tail, so no CRLF is ever cut in two.
        feeds = piece.count(b"\n")
        paired = plain or piece.count(b"\r\n") == feeds
        if piece.count(b"\r") != feeds or not paired:
            if not self._normalize:
                self.give_up(Fault.BARE_NEWLINE)
                return
            piece = _crlf(piece)
        piece = piece[self._pretended :]
        self._pretended = 0
        self.held += len(piece)
        if self.held > self._limit:
            self.give_up(Fault.TOO_BIG)
            return
        self._digest.update(piece)
        self._body += piece


def _beginning_of_end(data: bytes) -> int:
    """Count the last octets that may be the beginning of the end."""
    return next((n for n in (4, 3, 2, 1) if data.endswith(END[:n])), 0)


def _crlf(piece: bytes) -> bytes:
    lines = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines.replace(b"\n", b"\r\n")


def count_hops(content: bytes) -> int:
    """Count the Received headers (RFC 5321 §6.3), those in the first MiB."""
    if content.startswith(b"\r\n"):
        return 0
    end = content.find(b"\r\n\r\n", 0, _HEAD)
    head = content[: end if end >= 0 else _HEAD].lower()
    return head.count(b"\r\nreceived:") + head.startswith(b"received:")
