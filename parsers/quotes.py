"""Where quoted history begins in a text: attributions, copied headers, separators.

Every test looks at a few short lines, so the whole is linear in the text. Languages
come from the word lists; dates are told by their digits, not by their words.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chamado.parsers.marks import ANY, STRONG, WEAK
from chamado.parsers.wordlists import LANGUAGES, every

# Longer lines are prose: no program writes such an attribution or header line.
_LONGEST_LINE = 400
_ATTRIBUTION_LINES = 6
# How an attribution ends: a colon, an address, or the dashes around it.
_CLOSINGS = (":", "：", ">", "--", "—", "*")
# A label and its colon stand at the front of their line.
_LABEL_REACH = 60
_HEADER_LINES = 14

_ADDRESS = re.compile(r"[^\s<>@(\[]{1,64}@[^\s<>@)\]]{1,255}")
_CLOCK = re.compile(r"\b\d{1,2}\s?[:.hH]\s?\d{2}(?!\d)")
_DAY = re.compile(
    r"\b(?:19|20)\d{2}\b|\b\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b|\d{4}\s?[年년]"
    r"|\b\d{1,2}-[^\W\d_]{3,9}\.?-\d{2,4}\b"
)
_DECORATION = ANY + (
    " \t*_>|\u00a0\u200b\u200e\u200f\u202a\u202b\u202c\u2066\u2067\u2069\ufeff"
)
_DASHES = "-–—=_~#"
_RULERS = tuple(_DASHES)
_DASH = r"[\-–—=_~#]"
_NO_DASH = r"[^\n\-–—=_~#]"
_INVISIBLE = re.compile("[\u200b-\u200f\u202a-\u202c\u2066-\u2069\ufeff]")
_WORD = re.compile(r"[^\W\d_]+")


def _any_of(words: frozenset[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True)))


_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
_VERBS = tuple(sorted(every("wrote") | {"sent"}, key=len, reverse=True))
_UNSPACED = frozenset(verb for verb in _VERBS if _CJK.search(verb))
# The start of an attribution in the middle of a line, behind a one-line answer.
_LATE_START = re.compile(r"(?:\s|-{2,}\s?)(On\s(?:\w{3,9},?\s){1,2}\d{1,2},?\s\d{4}\b)")

_CATEGORIES = ("sender", "sent", "to", "cc", "subject", "other")
_CATEGORY = {
    label: category
    for category in reversed(_CATEGORIES)
    for language in LANGUAGES
    for label in getattr(language, category)
}
_LABEL = re.compile(
    rf"[\s>|*_\u200e]*({_any_of(frozenset(_CATEGORY))})[\s*_\u00a0]*[:：]\s*(.*)",
    re.I | re.DOTALL,
)
_SEPARATOR = re.compile(
    rf"[\s>*]*{_DASH}{{2,}}[\s*]*"
    rf"(?:{_any_of(every('original') | every('forwarded'))})"
    rf"{_NO_DASH}{{0,60}}{_DASH}{{2,}}",
    re.I,
)
_PLAIN_SEPARATOR = re.compile(
    rf"(?:{_any_of(every('original') | every('forwarded'))})\s*[:：.]?", re.I
)
_WROTE_LINE = re.compile(r"[-–—]{2,}\s?(.{3,200}?)\s?[-–—]{2,}")
_RULE_CHARS = 200
_RULE = re.compile(r"[\s*>]*[\-–—=_~#*]{5,}\s*")
# The end of an address that was wrapped just before its closing angle.
_WRAPPED_END = re.compile(rf"\s*>\s*(?:{_any_of(frozenset(_VERBS))})?\s*[:：]\s*", re.I)


@dataclass(frozen=True, slots=True)
class Cut:
    """Where history begins: the line, the part of it that is still new, the end.

    `first` to `last` are the lines of the attribution, header block or separator.
    `kept` is what stands before it on its first line.
    """

    first: int
    last: int
    kept: str = ""
    header: bool = False


def plain(line: str) -> str:
    """Return a line for comparison: no quote marks, emphasis or odd blanks."""
    return " ".join(line.strip(_DECORATION).split())


def is_quote(line: str) -> bool:
    """Tell a line quoted by a mark in front of it."""
    text = line.lstrip(" \t\u00a0")
    if text.startswith((STRONG, WEAK)):
        return True
    if not text.startswith(">"):
        return False
    end = text.rstrip()
    return end[-1] not in ":：" or not _WRAPPED_END.fullmatch(end)


def _verb_end(lowered: str) -> int | None:
    """Return where a verb of writing ends in a lower-case text, None for none.

    A search for each word beats one pattern of them all by far on short lines.
    """
    for verb in _VERBS:
        at = lowered.find(verb)
        if at < 0:
            continue
        end = at + len(verb)
        if verb in _UNSPACED:
            return end
        if not lowered[end : end + 1].isalpha() and not lowered[:at][-1:].isalpha():
            return end
    return None


def _ends_in_verb(text: str) -> bool:
    lowered = text.lower().rstrip(" :：")
    return lowered.endswith(_VERBS) and _verb_end(lowered[-60:]) is not None


def _dated(text: str) -> bool:
    return bool(_DAY.search(text) or _CLOCK.search(text))


def _starts_with_date(text: str) -> bool:
    """Tell whether a date stands at the front, behind at most three short words."""
    digit = re.search(r"\d", text[:45])
    if not digit or not _dated(text):
        return False
    return len(_WORD.findall(text[: digit.start()])) <= 3


def _is_attribution(text: str) -> bool:
    """Judge the joined lines of what may stand above a quote."""
    bare = text.strip(_DECORATION + _DASHES)
    if not bare or len(bare) > _LONGEST_LINE:
        return False
    address = _ADDRESS.search(bare) if "@" in bare else None
    if address is None and not _dated(bare):
        return False
    verb = _verb_end(bare.lower())
    if verb is not None:
        if not bare.endswith((":", "：")) and not _ends_in_verb(bare):
            return False
        if _starts_with_date(bare):
            return True
        # The name comes first: then nothing but a name may precede the address.
        if not address or len(_WORD.findall(bare[: address.start()])) > 8:
            return False
        return _dated(bare) or verb >= len(bare) - 2
    if not address or not _starts_with_date(bare):
        return False
    tail = bare[address.end() :].strip("<>()[]:： \t'\"")
    return not tail and bool(re.match(r"[\W\d]", bare) or bare.endswith((":", "：")))


def attribution(lines: Sequence[str], last: int, floor: int) -> Cut | None:
    """Find an attribution that ends on line `last` and begins after `floor`."""
    line = lines[last]
    if len(line) > 2 * _LONGEST_LINE:
        return None
    end = plain(line).rstrip(_DASHES + " ")
    if not end or len(end) > _LONGEST_LINE:
        return None
    if not line.rstrip().endswith(_CLOSINGS):
        return None
    found = _late_attribution(lines, last)
    if found is not None:
        return found
    joined = ""
    blanks = 0
    for first in range(last, max(floor, last - _ATTRIBUTION_LINES), -1):
        line = plain(lines[first])
        if not line:
            blanks += 1
            if blanks > 1 or (found and not joined.startswith(("<", "mailto:"))):
                break
            continue
        if len(line) > _LONGEST_LINE:
            break
        joined = f"{line} {joined}".strip()
        if not _is_attribution(joined):
            continue
        if _starts_with_date(line):
            return Cut(first, last)
        found = Cut(first, last)
    return found


def _late_attribution(lines: Sequence[str], last: int) -> Cut | None:
    """Find an attribution that shares its line with the answer before it."""
    line = lines[last]
    start = _LATE_START.search(line[:_LONGEST_LINE])
    if start and _is_attribution(plain(line[start.start(1) :])):
        return Cut(last, last, kept=line[: start.start()].rstrip(" -"))
    return None


def separator(line: str) -> bool:
    """Tell a line like `-----Original Message-----` or `Begin forwarded message:`."""
    if len(line) > _LONGEST_LINE:
        return False
    text = plain(line)
    if text.endswith((":", "：")) and _PLAIN_SEPARATOR.fullmatch(text):
        return True
    if not line.lstrip(" \t>*").startswith(_RULERS):
        return False
    if _SEPARATOR.match(line):
        return True
    wrote = _WROTE_LINE.fullmatch(text)
    return wrote is not None and _ends_in_verb(wrote[1])


def is_rule(line: str) -> bool:
    """Tell a line drawn with dashes, underscores or the like."""
    # The star is both a mark of quoting and a stroke, so a long line is quadratic.
    return len(line) <= _RULE_CHARS and bool(_RULE.fullmatch(line))


def header_block(lines: Sequence[str], first: int) -> Cut | None:
    """Find a copied header block (`From: … Sent: … To: …`) that begins here."""
    found = _labelled(lines, first)
    if found is None or not _convincing(found[0]):
        return None
    return Cut(first, found[1], header=True)


def announced(lines: Sequence[str], index: int) -> Cut | None:
    """Find `Am 20.06.24 um 16:20 schrieb X` with a copied header right below it.

    Each alone could be somebody's own words: the one has no colon, and addresses are
    often taken out of the other.
    """
    text = plain(lines[index])
    if not text or len(text) > _LONGEST_LINE or not _starts_with_date(text):
        return None
    if _verb_end(text.lower()) is None:
        return None
    found = _labelled(lines, index + 1)
    if found is None or len({"sender", "sent", "to", "subject"} & set(found[0])) < 2:
        return None
    return Cut(index, found[1], header=True)


def header_fields(lines: Sequence[str], first: int) -> dict[str, str]:
    """Return what the copied header block that begins here says, by the word lists."""
    found = _labelled(lines, first)
    return found[0] if found else {}


def _labelled(lines: Sequence[str], first: int) -> tuple[dict[str, str], int] | None:
    """Read the labels from here on, and where the last one stands."""
    start = lines[first][:_LABEL_REACH]
    if not (":" in start or "：" in start) or not _LABEL.match(start):
        return None
    seen: dict[str, str] = {}
    last = first
    loose = 0
    for index in range(first, min(len(lines), first + _HEADER_LINES)):
        line = _INVISIBLE.sub("", lines[index][:_LONGEST_LINE])
        label = _LABEL.match(line)
        if label:
            seen.setdefault(_CATEGORY[label[1].lower()], label[2])
            last, loose = index, 0
            continue
        loose += 1
        if loose > 2 or (not plain(line) and "subject" in seen):
            break
        if plain(line) and seen:
            category = next(reversed(seen))
            seen[category] += " " + line
    return seen, last


def _convincing(seen: dict[str, str]) -> bool:
    """Tell a mail's header from a list that somebody typed (`From: Rio, To: …`)."""
    if "sender" not in seen and not {"sent", "to"} <= set(seen):
        return False
    kinds = {"sender", "sent", "to", "subject"} & set(seen)
    if len(kinds) < 2:
        return False
    addressed = any(_ADDRESS.search(seen.get(k, "")) for k in ("sender", "to"))
    timed = _CLOCK.search(seen.get("sent", "")) is not None
    return addressed or (len(kinds) >= 3 and ("subject" in kinds or timed))
