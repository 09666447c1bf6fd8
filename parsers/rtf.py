"""Rich text as Outlook carries it: unpacked (MS-OXRTFCP), and read as HTML or words.

Outlook wraps the HTML of a mail into RTF (MS-OXRTFEX): then the HTML comes out as it
went in, still to be cleaned by who shows it. Of other RTF the words come out, without
layout. One linear pass, bounded; no object, picture, field or macro in it is touched.
Raises ValueError on what is no RTF at all.
"""

import re
import struct
from dataclasses import dataclass, field, replace

from chamado.parsers.inside import Inside

#: Bytes that are read at most: a second of work at the worst.
LARGEST = 1024 * 1024
_MOST_GROUPS = 1_000
_HEAD = struct.Struct("<III")
_PACKED, _STORED = 0x75465A4C, 0x414C454D
#: What the dictionary holds before the first byte (MS-OXRTFCP §2.1.2.1).
_BEGINNING = (
    rb"{\rtf1\ansi\mac\deff0\deftab720{\fonttbl;}{\f0\fnil \froman \fswiss \fmodern "
    rb"\fscript \fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\colortbl\red0"
    rb"\green0\blue0" + b"\r\n" + rb"\par \pard\plain\f0\fs20\b\i\u\tab\tx"
)
_WINDOW = 4096


def unpack(content: bytes, most: int = LARGEST) -> bytes:
    """Return the RTF in a compressed stream, up to `most` bytes of it.

    What was cut off ends where it ends; the checksum is not looked at.
    """
    if len(content) < 16:
        raise ValueError("too short for RTF")
    _, size, kind = _HEAD.unpack_from(content)
    size = min(size, most)
    if kind == _STORED:
        return content[16 : 16 + size]
    if kind != _PACKED:
        raise ValueError("neither packed nor stored")
    out = bytearray(_BEGINNING)
    size += len(_BEGINNING)
    at, end = 16, len(content)
    while at < end and len(out) < size:
        flags = content[at]
        at += 1
        for bit in range(8):
            if not flags >> bit & 1:
                out += content[at : at + 1]
                at += 1
                continue
            if at + 1 >= end:
                return bytes(out[len(_BEGINNING) : size])
            token = content[at] << 8 | content[at + 1]
            at += 2
            back = (len(out) - (token >> 4)) % _WINDOW
            if back == 0 or back > len(out):
                # The place where the next byte goes marks the end.
                return bytes(out[len(_BEGINNING) : size])
            for _ in range((token & 15) + 2):
                out.append(out[-back])
    return bytes(out[len(_BEGINNING) : size])


_TOKEN = re.compile(
    rb"\\([a-zA-Z]{1,32})(-?\d{1,9})? ?|\\'([0-9a-fA-F]{2})|\\([^a-zA-Z])|([{}])"
    rb"|[\r\n\x00]+|([^\\{}\r\n\x00]+)|\\"
)
#: Groups that hold no words of the mail.
_SILENT = frozenset(
    b"fonttbl colortbl stylesheet info pict object listtable listoverridetable "
    b"header headerl headerr headerf footer footerl footerr footerf fldinst themedata "
    b"generator xmlnstbl rsidtbl bkmkstart bkmkend nonshppict datastore".split()
)
_WORDS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\n", b"row": "\n",
    b"tab": "\t", b"cell": "\t", b"lquote": "‘", b"rquote": "’", b"ldblquote": "“",
    b"rdblquote": "”", b"bullet": "•", b"endash": "–", b"emdash": "—",
    b"enspace": " ", b"emspace": " ", b"zwj": "\u200d", b"zwnj": "\u200c",
}  # fmt: skip
_SIGNS = {b"~": "\u00a0", b"_": "-", b"\n": "\n", b"\r": "\n", b"\t": "\t"}
#: The charset of a font (\fcharset) and its code page.
_CHARSETS = {
    77: "mac_roman", 128: "cp932", 129: "cp949", 130: "johab", 134: "gb18030",
    136: "cp950", 161: "cp1253", 162: "cp1254", 163: "cp1258", 177: "cp1255",
    178: "cp1256", 186: "cp1257", 204: "cp1251", 222: "cp874", 238: "cp1250",
    254: "cp437",
}  # fmt: skip
_PAGES = {
    number: f"cp{number}"
    for number in (437, 850, 852, 866, 874, 932, 949, 950, *range(1250, 1259))
} | {936: "gb18030", 65001: "utf-8", 10000: "mac_roman", 54936: "gb18030"}


@dataclass(frozen=True, slots=True)
class _State:
    """What holds inside a group and ends with it."""

    silent: bool = False
    tag: bool = False
    hidden: bool = False
    fonts: bool = False
    font: int | None = None
    skip: int = 1


@dataclass(slots=True)
class _Reader:
    page: str = "cp1252"
    html: bool = False
    fonts: dict[int, str] = field(default_factory=dict)
    default: int | None = None
    state: _State = _State()
    stack: list[_State] = field(default_factory=list)
    out: list[str] = field(default_factory=list)
    pending: bytearray = field(default_factory=bytearray)
    to_skip: int = 0
    starred: bool = False

    def read(self, rtf: bytes) -> None:
        at = 0
        while found := _TOKEN.match(rtf, at):
            at = found.end()
            word, number, coded, sign, brace, plain = found.groups()
            if word is not None:
                if word == b"bin" and number:
                    at += max(0, int(number))
                else:
                    self.control(word, int(number) if number else None)
            elif coded is not None:
                self.octets(bytes([int(coded, 16)]))
            elif brace is not None:
                self.brace(brace)
            elif sign == b"*":
                self.starred = True
                continue
            elif sign is not None:
                self.say(_SIGNS.get(sign) or (chr(sign[0]) if sign in b"\\{}" else ""))
            elif plain is not None:
                self.octets(plain)
            self.starred = False
        self.flush()

    def brace(self, brace: bytes) -> None:
        self.flush()
        self.to_skip = 0
        if brace == b"{":
            if len(self.stack) >= _MOST_GROUPS:
                raise ValueError("RTF nested too deep")
            self.stack.append(self.state)
        elif self.stack:
            self.state = self.stack.pop()

    def octets(self, octets: bytes) -> None:
        if self.to_skip:
            # What stands behind a \\u is for readers that cannot read it.
            passed = min(self.to_skip, len(octets))
            self.to_skip -= passed
            octets = octets[passed:]
        if octets and self.heard():
            self.pending += octets

    def heard(self) -> bool:
        return not (self.state.silent or self.state.hidden)

    def say(self, text: str) -> None:
        self.flush()
        if text and self.heard():
            self.out.append(self.escaped(text))

    def escaped(self, text: str) -> str:
        if self.html and not self.state.tag:
            return text.replace("<", "&lt;").replace(">", "&gt;")
        return text

    def flush(self) -> None:
        if self.pending:
            font = self.default if self.state.font is None else self.state.font
            # Markup is in the code page of the whole, whatever font is on.
            named = (
                None if self.state.tag else self.fonts.get(-1 if font is None else font)
            )
            text = self.pending.decode(named or self.page, "replace")
            self.out.append(self.escaped(text))
            self.pending.clear()

    def control(self, word: bytes, number: int | None) -> None:
        if word == b"u" and number is not None:
            self.say(chr(number & 0xFFFF))
            self.to_skip = self.state.skip
            return
        self.to_skip = 0
        if word in _WORDS:
            self.say(_WORDS[word])
            return
        self.flush()
        state = self.state
        if self.starred and word != b"htmltag":
            self.state = replace(state, silent=True)
        elif word == b"htmltag":
            self.state = replace(state, tag=True, hidden=False)
        elif word == b"htmlrtf":
            self.state = replace(state, hidden=number != 0)
        elif word == b"fonttbl":
            self.state = replace(state, silent=True, fonts=True)
        elif word in _SILENT or (word == b"pntext" and self.html):
            self.state = replace(state, silent=True)
        elif word == b"uc" and number is not None:
            self.state = replace(state, skip=max(0, number))
        elif word == b"f" and number is not None:
            self.state = replace(state, font=number)
        elif word == b"plain":
            self.state = replace(state, font=None)
        elif word == b"fcharset" and state.fonts and state.font is not None:
            named = _CHARSETS.get(number or 0)
            if named:
                self.fonts[state.font] = named
        elif word == b"ansicpg":
            self.page = _PAGES.get(number or 0, self.page)
        elif word == b"deff":
            self.default = number
        elif word == b"fromhtml":
            self.html = number != 0


def read_rtf(rtf: bytes) -> tuple[str, bool]:
    """Return the text and whether it is HTML, which nobody has cleaned yet."""
    if not rtf.startswith(b"{\\rtf"):
        raise ValueError("no RTF")
    reader = _Reader()
    reader.read(rtf)
    # Letters past the first 65 536 come as two halves.
    text = "".join(reader.out).encode("utf-16-le", "surrogatepass")
    return text.decode("utf-16-le", "replace"), reader.html


def fill_from_rtf(inside: Inside, most: int = LARGEST) -> list[str]:
    """Give a message the HTML or the words of its RTF, where it has none of its own.

    Returns what went wrong.
    """
    if not inside.rtf or inside.html.strip():
        return []
    try:
        rtf = unpack(inside.rtf, most)
        text, is_html = read_rtf(rtf)
    except ValueError as error:
        return [f"rich text not read: {error}"]
    if is_html:
        inside.html = text
    elif not inside.text.strip():
        inside.text = text
    return [f"limit: rich text cut at {most} bytes"] if len(rtf) >= most else []
