"""The customer's language: what the mail program says, else a vote of small words.

Short texts stay undecided: a wrong language in a letter is worse than the default.
"""

import re
from collections.abc import Sequence

from chamado.parsers.types import Header
from chamado.parsers.wordlists import LANGUAGES

_WORD = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{2}|[0-9]{3}))?\s*(?:[,;]|$)")
_SAMPLE = 1_000
_SPEAKERS: dict[str, list[str]] = {}
for _language in LANGUAGES:
    for _small_word in _language.words:
        _SPEAKERS.setdefault(_small_word, []).append(_language.tag)
_FEWEST_HITS = 4


def _vote(text: str) -> str | None:
    scores: dict[str, int] = {}
    for word in _WORD.findall(text[:_SAMPLE].lower()):
        speakers = _SPEAKERS.get(word, ())
        for tag in speakers:
            # A word of one language alone says more than a shared one.
            scores[tag] = scores.get(tag, 0) + (2 if len(speakers) == 1 else 1)
    if not scores:
        return None
    (best, most), *others = sorted(scores.items(), key=lambda one: -one[1])
    second = others[0][1] if others else 0
    if most < _FEWEST_HITS or most <= 1.3 * second:
        return None
    return best


def read_language(headers: Sequence[Header], text: str) -> str | None:
    """Return a language tag such as `pt` or `pt-BR`, or None when unsure."""
    voted = _vote(text)
    for header in headers:
        if header.name.lower() not in ("content-language", "accept-language"):
            continue
        tag = _TAG.match(header.value)
        if not tag:
            continue
        primary, region = tag[1].lower(), (tag[2] or "").upper()
        if voted is None or voted == primary:
            return f"{primary}-{region}" if region else primary
    return voted
