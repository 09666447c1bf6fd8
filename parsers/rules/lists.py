"""Mailing lists and mass mail (RFC 2369, 2919), except through a list of our own.

Many desks get their mail through a group address that marks everything as a list. A
list that names one of our addresses is such a group and says nothing about who wrote.
"""

from chamado.parsers.rules.headers import first_word, shown, values
from chamado.parsers.types import Envelope, Hit, Own, ParsedMessage

_LISTS = ("mailing-list", "x-mailing-list")
_MARKETING = ("list-unsubscribe", "feedback-id")


def _is_ours(m: ParsedMessage, own: Own) -> bool:
    marks = [
        value.lower() for _, value in values(m, "list-id", "list-post", "mailing-list")
    ]
    names = [n for a in own.addresses for n in (a.lower(), a.lower().replace("@", "."))]
    return any(name in mark for mark in marks for name in names)


def mailing_list(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """Any List-* field but List-Unsubscribe, or what lists used before them."""
    if _is_ours(m, own):
        return None
    for header in m.headers:
        name = header.name.lower()
        listed = name.startswith("list-") and not name.startswith("list-unsubscribe")
        if listed or name in _LISTS:
            return Hit(rule="mailing_list", why=shown(header.name, header.value))
    for name, value in values(m, "precedence", "x-precedence"):
        if first_word(value) == "list":
            return Hit(rule="mailing_list", why=shown(name, value))
    return None


def mass_mail(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """List-Unsubscribe or Feedback-ID alone: what marketing systems must write."""
    if _is_ours(m, own):
        return None
    for name, value in values(m, *_MARKETING):
        return Hit(rule="mass_mail", why=shown(name, value))
    return None
