"""Values with parameters: Content-Type and Content-Disposition (RFC 2045, 2231).

Read leniently: blanks in unquoted values, encoded words where RFC 2231 belongs, both
notations mixed, raw 8-bit bytes. Linear in the length of the value, which is cut at
16 KiB, with at most 200 parameters.
"""

import re
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from chamado.parsers.charset import decode, undeclared
from chamado.parsers.words import decode_words

_LONGEST = 16_384
_MOST = 200
_PARAM = re.compile(
    r";\s*([^=;\s\"]{1,100})\s*=\s*(?:\"((?:[^\"\\]|\\.)*)\"?|([^;]*))", re.DOTALL
)
_SECTION = re.compile(r"([^*]+)(?:\*(\d{1,4}))?(\*)?")
_COMMENT = re.compile(r"\([^()]*\)")


@dataclass(frozen=True, slots=True)
class Parametrised:
    """A lower-case value such as `text/plain`, and its decoded parameters."""

    value: str
    params: dict[str, str] = field(default_factory=dict)


def _unquoted(found: re.Match[str]) -> str:
    if found[2] is None:
        return found[3].strip().strip('"')
    # A backslash escapes only a quote or itself: Windows paths are written raw.
    return re.sub(r'\\(["\\])', r"\1", found[2])


def _plain(value: str) -> str:
    return decode_words(value).strip()


def _extended(pieces: list[tuple[int, bool, str]]) -> str:
    """Join the sections of one parameter (RFC 2231 §3, §4)."""
    pieces.sort(key=lambda piece: piece[0])
    charset: str | None = None
    data = b""
    encoded_any = False
    for index, (_, encoded, text) in enumerate(pieces):
        if not encoded:
            data += text.encode("utf-8", "replace")
            continue
        encoded_any = True
        if index == 0 and text.count("'") >= 2:
            charset, _, text = text.split("'", 2)
        data += unquote_to_bytes(text)
    if encoded_any:
        # Some write an encoded word inside the extended notation as well.
        return _plain(decode(data, charset)[0])
    return _plain(data.decode("utf-8", "replace"))


def read_params(raw: bytes | None, hint: str | None = None) -> Parametrised:
    """Read a header value; an absent one reads as empty. Never raises."""
    if not raw:
        return Parametrised("")
    text = undeclared(raw[:_LONGEST], hint)
    words = _COMMENT.sub("", text.partition(";")[0]).split("/")
    head = "/".join(word.strip() for word in words)
    if "=" in head:
        # The semicolon was forgotten: `text/plain charset=utf-8`.
        head, _, rest = head.partition(" ")
        text = f"{head}; {rest};{text.partition(';')[2]}"
    plain: dict[str, str] = {}
    sections: dict[str, list[tuple[int, bool, str]]] = {}
    for count, found in enumerate(_PARAM.finditer(text)):
        if count >= _MOST:
            break
        name = _SECTION.fullmatch(found[1].lower())
        if not name:
            continue
        value = _unquoted(found)
        if name[2] is None and name[3] is None:
            plain.setdefault(name[1], _plain(value))
        else:
            piece = (int(name[2] or 0), name[3] is not None, value)
            sections.setdefault(name[1], []).append(piece)
    params = {name: _extended(pieces) for name, pieces in sections.items()}
    for plain_name, value in plain.items():
        params.setdefault(plain_name, value)
    return Parametrised(head.split(" ")[0].lower() if head else "", params)
