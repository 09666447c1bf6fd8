"""An answer that repeats our letter without saying so, shown without it."""

from dataclasses import replace

from chamado.config.spelling import identity
from chamado.daemon.casefile import letter_text
from chamado.daemon.core.known import FEWEST_CHARS, cut_known
from chamado.daemon.store import outbox
from chamado.daemon.store.cases import NewEntry
from chamado.daemon.store.engine import Work

#: How many of our letters an answer may be an answer to.
MOST_LETTERS = 2


def without_ours(work: Work, entry: NewEntry) -> NewEntry:
    """Move our own words from `reply` to `quoted`; `text` keeps them.

    The whole text is compared: our letter ends with the words that it answers, and
    those may be all that the parser could tell.
    """
    to = identity(entry.author.address)
    if len(entry.reply) < FEWEST_CHARS or not to:
        return entry
    for content in outbox.newest_to(work, entry.ticket, to, MOST_LETTERS):
        kept, cut = cut_known(entry.text, letter_text(content)[1])
        if cut and len(kept) < len(entry.reply):
            return replace(entry, reply=kept, signature="", quoted=cut)
    return entry
