"""The customer's language: what the mail program says, else a vote of small words.

Short texts stay undecided: a wrong language in a letter is worse than the default.
"""

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain

from chamado.parsers.types import Header
from chamado.parsers.wordlists import LANGUAGES

_WORD = re.compile(r"[^\W\d_]+")
_TAG = re.compile(r"([A-Za-z]{2,3})(?:-([A-Za-z]{2}|[0-9]{3}))?\s*(?:[,;]|$)")
_SAMPLE = 1_000
_FEWEST_HITS = 4


def _speakers() -> dict[str, tuple[str, ...]]:
    """Return who speaks each small word, twice where nobody else does: a word of one
    language alone says more than a shared one.
    """
    found: dict[str, tuple[str, ...]] = {}
    for language in LANGUAGES:
        for word in language.words:
            found[word] = (*found.get(word, ()), language.tag)
    return {w: tags * 2 if len(tags) == 1 else tags for w, tags in found.items()}


_SPEAKERS = _speakers()


def _vote(text: str) -> str | None:
    words = map(_SPEAKERS.get, _WORD.findall(text[:_SAMPLE].lower()))
    scores = Counter(chain.from_iterable(filter(None, words)))
    if not scores:
        return None
    (best, most), *others = scores.most_common(2)
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
