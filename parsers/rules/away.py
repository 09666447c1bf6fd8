"""Out-of-office answers and other automatic replies, told by their subject.

Words alone are weak: a customer may write *about* an automatic reply. So the phrase
must begin the subject and either be set off by a colon or stand alone, and only next
to a header that says the mail is automatic is it proof.
"""

import re

from chamado.parsers.rules.automatic import (
    auto_reply_header,
    auto_submitted,
    precedence,
)
from chamado.parsers.rules.headers import values
from chamado.parsers.rules.sender import null_sender
from chamado.parsers.types import Envelope, Hit, Own, ParsedMessage
from chamado.parsers.wordlists import every

_PREFIXES = re.compile(r"(?:(?:re|aw|sv|res|antw|fwd?|enc|wg|tr)\s*:\s*){1,5}", re.I)


def _phrases(phrases: frozenset[str]) -> re.Pattern[str]:
    words = sorted(map(re.escape, phrases), key=len, reverse=True)
    return re.compile(rf"[\W_]{{0,5}}(?:{'|'.join(words)})(?!\w)\s*(.?)", re.I)


_AWAY_WORDS = every("out_of_office")
_AWAY = _phrases(_AWAY_WORDS)
_REPLY = _phrases(every("automatic_reply"))
_ENDS = frozenset(("", ":", "-", "–", "—", "(", "[", "]", ")", "/", "|", "!", ".", ";"))


def _begins(pattern: re.Pattern[str], subject: str) -> bool:
    """Tell whether the subject is the phrase, or the phrase and then a subject."""
    prefix = _PREFIXES.match(subject)
    found = pattern.match(subject, prefix.end() if prefix else 0)
    return bool(found) and found is not None and found[1] in _ENDS


def away(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """A machine's mail whose subject says that somebody is not there."""
    for _, value in values(m, "auto-submitted"):
        if "vacation" in value.lower():
            return Hit(rule="away", why=f"Auto-Submitted: {value[:100]}")
    marked = (
        auto_submitted(m, envelope, own)
        or auto_reply_header(m, envelope, own)
        or precedence(m, envelope, own)
        or null_sender(m, envelope, own)
    )
    subject = m.subject[:200]
    lowered = subject.lower()
    if marked and any(word in lowered for word in _AWAY_WORDS):
        return Hit(rule="away", why=f"{marked.why}; subject {subject[:80]!r}")
    if _exchange_suppressed(m) and (
        _begins(_AWAY, subject) or _begins(_REPLY, subject)
    ):
        return Hit(rule="away", why=f"answers suppressed; subject {subject[:80]!r}")
    return None


def _exchange_suppressed(m: ParsedMessage) -> bool:
    """Tell the mark that Exchange's out-of-office mail always carries."""
    return any(
        "all" in value.lower() for _, value in values(m, "x-auto-response-suppress")
    )


def away_subject(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """The subject alone says that somebody is not there."""
    if _begins(_AWAY, m.subject):
        return Hit(rule="away_subject", why=f"subject {m.subject[:80]!r}")
    return None


def auto_reply_subject(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """The subject alone says that a program answered."""
    if _begins(_REPLY, m.subject):
        return Hit(rule="auto_reply_subject", why=f"subject {m.subject[:80]!r}")
    return None
