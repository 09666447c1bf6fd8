"""The end of a letter: delimiter, device line, sign-off and name.

Only the end of a text is looked at, only short lines, and something must be left: a
message that is nothing but "Thanks!" is no signature. A list is never one.
"""

import re
from collections.abc import Sequence

from chamado.parsers.quotes import is_rule, plain
from chamado.parsers.wordlists import every

_MOST_LINES = 15
# No delimiter further up than this is one; lines that could be one begin so.
_REACH = 80
_DRAWN = frozenset("-_=*~#–— ")
_LONGEST_LINE = 80
_DELIMITER = re.compile(r"(?:--|__)[ \t\u00a0]?|_{5,}\s*")
_DEVICE = re.compile(
    r"iphone|ipad|ipod|ios|android|blackberry|samsung|galaxy|huawei|xiaomi|redmi|nokia"
    r"|htc|xperia|motorola|\bmoto\b|pixel|oneplus|windows|outlook|\bmail\b|yahoo|gmail"
    r"|airmail|mailbox|proton|thunderbird|k-9|phone|mobil|m[óo]vil|handy|tablet|device"
    r"|\bcell|celular|telefon|telem[óo]vel|t[ée]l[ée]phone|portable|dispositivo|aparelho"
    r"|smartphone|smart|ti-85|spark|\bmac\b|bluemail|aqua|телефон|スマ|휴대폰|手机|手機"
    r"|lumia|airwatch|acompli|mailmaster|nine|web|wireless|tracfone|verizon",
    re.I,
)
_MARKUP = re.compile(r"<?https?://\S+|<?mailto:\S+|[\[\]()<>*_\"“”]|aka\.ms/\S+")
_SENT_FROM = tuple(every("sent_from"))
_SENT_FROM_END = (*_SENT_FROM, "gesendet", "geschickt")
_BRIEFLY = tuple(every("sent_from_briefly"))
# "From my phone it does not work" is a sentence, "From my old Galaxy S5" is none.
_BRIEF_WORDS = 5
# First and last letters, to pass over the many lines that are neither quickly.
_BEGINS = frozenset(phrase[:3] for phrase in (*_SENT_FROM, *_BRIEFLY))
_ENDS = frozenset(phrase[-3:] for phrase in _SENT_FROM_END)
_OPENING = " \t*_>([<\"'\u00a0\u200b\u200e\u200f\u202a\u202b"
_CLOSING = " \t*_>)]\"'.!\u00a0\u200b\u200e\u200f\u202c"
_SIGN_OFFS = "|".join(map(re.escape, sorted(every("sign_off"), key=len, reverse=True)))
_SIGN_OFF_BEGINS = frozenset(phrase[:2] for phrase in every("sign_off"))
_SIGN_OFF = re.compile(rf"(?:{_SIGN_OFFS})(?:\s*[,.!;:/|–-]+\s*.{{0,40}})?", re.I)
_DASH_NAME = re.compile(
    r"[-–—~]{1,2}\s?[^\W\d_a-z][\w.'’]*(?:\s[^\W\d_a-z][\w.'’]*){0,3}"
)
_NAME = re.compile(r"[^\W\d_a-z][\w.'’-]*(?:\s[^\W\d_][\w.'’-]*){1,4}")
_CONTACT = re.compile(
    r"[^\s@]+@[^\s@]+\.\w|\bwww\.|https?://|(?:\+|\(|\b)\d[\d\s().-]{6,}\d|^(?:t|tel|f|m)\."
)
_CLAUSE = re.compile(r"[,.!?;]")
_ITEM = re.compile(r"\s*(?:[-*•–]|\d{1,3}[.)])\s+\S")


def _words(text: str) -> int:
    return len(text.split())


def _device_line(line: str) -> bool:
    """Tell what phones and mail programs append (`Sent from my iPhone`)."""
    if not line or len(line) > 300:
        return False
    lowered = line.lower()
    begins = lowered.lstrip(_OPENING)[:3] in _BEGINS
    if not begins and lowered.rstrip(_CLOSING)[-3:] not in _ENDS:
        return False
    text = plain(_MARKUP.sub(" ", line))
    if not text or len(text) > 120:
        return False
    lowered = text.lower()
    if lowered.startswith(_SENT_FROM):
        head = _CLAUSE.split(lowered, maxsplit=1)[0]
        # The phrase itself may name the program: "Get Outlook for".
        return _words(head) <= 12 and bool(_DEVICE.search(head))
    if lowered.startswith(_BRIEFLY):
        return _words(lowered) <= _BRIEF_WORDS and bool(_DEVICE.search(lowered))
    return (
        len(text) <= 60
        and lowered.rstrip(" .!)").endswith(_SENT_FROM_END)
        and bool(_DEVICE.search(lowered))
    )


def _closing_lines(lines: Sequence[str]) -> bool:
    """Tell whether lines could be names, titles and numbers: short, no sentences."""
    filled = [line.strip() for line in lines if line.strip()]
    if not filled or len(filled) > _MOST_LINES:
        return False
    return all(
        len(line) <= _LONGEST_LINE
        and "?" not in line
        and not _ITEM.match(line)
        and not (_words(line) > 7 and line.endswith((".", "!", ":", "…")))
        for line in filled
    )


def is_delimiter(line: str) -> bool:
    """Tell the line that conventionally stands above a signature (RFC 3676 §4.3)."""
    return bool(_DELIMITER.fullmatch(line))


def _delimiter(lines: Sequence[str]) -> int | None:
    for index in range(max(1, len(lines) - _REACH), len(lines)):
        line = lines[index]
        if line[:1] not in _DRAWN or not (is_delimiter(line) or is_rule(line)):
            continue
        rest = [one for one in lines[index + 1 :] if one.strip()]
        if is_rule(line):
            if _closing_lines(rest):
                return index
        elif len(rest) <= _MOST_LINES * (2 if line == "-- " else 1):
            return index
    return None


def _device(lines: Sequence[str]) -> int | None:
    last = len(lines)
    start = max(0, last - 30)
    for index in range(start, last):
        if _device_line(lines[index]):
            rest = [line for line in lines[index + 1 :] if line.strip()]
            if (
                not rest
                or all(map(_device_line, rest))
                or (len(rest) <= 3 and _closing_lines(rest))
            ):
                return _with_name(lines, index)
    return None


def _with_name(lines: Sequence[str], index: int) -> int:
    """Let a name that stands alone right above a device line belong to it."""
    if index < 2 or lines[index - 2].strip():
        return index
    return index - 1 if _NAME.fullmatch(lines[index - 1].strip()) else index


def _is_sign_off(line: str) -> bool:
    text = plain(line)
    if text[:2].lower() not in _SIGN_OFF_BEGINS:
        return False
    return bool(_SIGN_OFF.fullmatch(text))


def _sign_off(lines: Sequence[str]) -> int | None:
    """Find a sign-off that a name follows; alone it is part of the letter."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    for index in filled[-10:]:
        text = plain(lines[index])
        if len(text) > 60 or index == filled[0]:
            continue
        if not _is_sign_off(text):
            continue
        rest = lines[index + 1 :]
        named = not all(map(_is_sign_off, filter(str.strip, rest)))
        if named and _closing_lines(rest) and _words(" ".join(rest)) <= 40:
            return index
    return None


def _name_line(lines: Sequence[str]) -> int | None:
    """Find `-Ana` as the last line, unless it ends a list."""
    filled = [index for index, line in enumerate(lines) if line.strip()]
    if len(filled) < 2:
        return None
    last = filled[-1]
    before = lines[filled[-2]].strip()
    if _DASH_NAME.fullmatch(lines[last].strip()) and not before.startswith(("-", "–")):
        return last
    return None


def _card(lines: Sequence[str]) -> int | None:
    """Find a closing paragraph of short lines with a number or an address in it."""
    end = len(lines)
    start = end
    while start > 0 and lines[start - 1].strip():
        start -= 1
    block = [line.strip() for line in lines[start:end]]
    before = [line for line in lines[:start] if line.strip()]
    if len(block) < 2 or not before or before[-1].rstrip().endswith((":", "：")):
        return None
    if not all(len(line) <= _LONGEST_LINE and _words(line) <= 6 for line in block):
        return None
    contact = any(_CONTACT.search(line) for line in block[1:])
    if contact and _NAME.fullmatch(block[0]) and _closing_lines(block):
        return start
    return None


def _devices_above(lines: Sequence[str]) -> int:
    """Return where a letter begins that was written below the line of a phone, or of
    several. The last line must not be empty."""
    at = 0
    while at + 2 < len(lines) and not lines[at + 1].strip() and _device_line(lines[at]):
        at += 2
    return at


def split_signature(text: str) -> tuple[str, str]:
    """Return the text without its signature, and the signature."""
    lines = text.rstrip().split("\n")
    above = _devices_above(lines)
    reply, signature = _split_below("\n".join(lines[above:]) + "\n" if above else text)
    if above:
        signature = "\n".join(lines[:above]).strip() + "\n" + signature
    return reply, signature


def _split_below(text: str) -> tuple[str, str]:
    """Take off what stands at the end."""
    lines = text.rstrip().split("\n")
    at = len(lines)
    for find in (_delimiter, _device, _sign_off, _name_line, _card):
        found = find(lines[:at])
        if found is not None and any(line.strip() for line in lines[:found]):
            at = found
            while at > 0 and not lines[at - 1].strip():
                at -= 1
    if at == len(lines):
        return text, ""
    return "\n".join(lines[:at]).rstrip() + "\n", "\n".join(lines[at:]).strip() + "\n"
