"""One understood message on its way into a case, and what it alone says of itself.

Everything here is found out before the database is asked: on SQLite whoever writes is
alone, and the door waits meanwhile.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

from chamado.daemon.core import thread
from chamado.daemon.core.arrival import Arrived, Triage
from chamado.daemon.core.decide import sender_of
from chamado.daemon.core.passing import credited
from chamado.daemon.desk import Desk
from chamado.daemon.store.claims import InboxRow
from chamado.parsers.types import Forwarded, Understood

# Everything in ASCII but letters becomes a blank; bytes are quick to translate.
_LETTERS = bytes(c if c > 127 or chr(c).isalpha() else 32 for c in range(256))
#: A text of fewer characters, counting letters and the gaps between words, says
#: nothing about who wrote it when it comes again.
TELLING_CHARS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One message of a batch.

    `sender` is the address that identity and answers go by, `forwarded` what an agent
    sent on for a customer, `keys` what leads to a case, `triage` what the operator's
    rules make of it should it open one.
    """

    row: InboxRow
    understood: Understood
    rung: int
    sender: str
    body_hash: str | None
    forwarded: Forwarded | None
    keys: thread.ThreadKeys
    triage: Triage

    @property
    def ids(self) -> Sequence[str]:
        """Every Message-ID that it has or names."""
        message = self.understood.message
        own = [message.message_id] if message.message_id else []
        bounced = message.bounce.original_message_id if message.bounce else None
        return [*self.keys.ids, *own, *([bounced] if bounced else [])]


def item_of(row: InboxRow, understood: Understood, desk: Desk, *, rung: int) -> Item:
    """Think about a message that was understood on this rung of the ladder."""
    message, domain = understood.message, desk.settings.service.domain
    policy = desk.policy
    forwarded = credited(
        message,
        understood.classification,
        understood.auth,
        policy.agents,
        policy.own,
    )
    return Item(
        row=row,
        understood=understood,
        rung=rung,
        sender=sender_of(message),
        body_hash=_body_hash(message.reply),
        forwarded=forwarded,
        keys=thread.keys_of(message, row.envelope, domain),
        triage=_triage(row, understood, forwarded, desk),
    )


def _body_hash(reply: str) -> str | None:
    """The same text written again gives the same hash; digits do not count.

    A short text has none: people write "sim, obrigado" three times a day.
    """
    text = reply[:10_000].lower().encode()
    words = b" ".join(text.translate(_LETTERS).split())
    if len(words) < TELLING_CHARS:
        return None
    return hashlib.sha256(words).hexdigest()


def _triage(
    row: InboxRow, understood: Understood, forwarded: Forwarded | None, desk: Desk
) -> Triage:
    """Judge a message; of what an agent sends on, the customer: address, subject and
    words."""
    support = desk.support(row.envelope.rcpt_tos)
    message, sender = understood.message, sender_of(understood.message)
    if forwarded:
        subject = forwarded.subject or message.subject
        message = replace(message, subject=subject, reply=forwarded.text)
        sender = forwarded.sender.address
    elif not sender and message.sender:
        # Nobody to us, but a rule can still keep the printer's mail out.
        sender = message.sender.address
    arrived = Arrived(
        message=message,
        kind=understood.classification.kind,
        sender=sender,
        recipients=(support.address, *row.envelope.rcpt_tos),
        size=row.size,
    )
    return desk.arrival.triage(arrived, support)
