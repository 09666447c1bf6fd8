"""What an agent's forward leaves on the case that it opens.

The customer's words as the customer's, and the whole mail of the agent as a note: what
agents write above a forward is meant for colleagues.
"""

from datetime import datetime

from chamado.config.address import Address
from chamado.daemon.core.decide import Case
from chamado.daemon.core.types import OpenTicket
from chamado.daemon.item import Item
from chamado.daemon.store.cases import NewEntry, NewEvent
from chamado.parsers.types import Forwarded


def entry(
    item: Item, case: Case, decision: OpenTicket, shown: Forwarded, number: int
) -> NewEntry:
    """Return what the customer wrote. No id: the customer's is not proven, and the
    agent's would be strange to the customer."""
    return NewEntry(
        ticket=number,
        kind="inbound",
        at=item.row.envelope.received_at,
        public=True,
        author=decision.requester,
        role="customer",
        subject=decision.subject,
        text=shown.text,
        reply=shown.text,
        flags=decision.flags,
        inbox_id=item.row.id,
        content_digest=item.row.content_digest,
        attachments=case.message.attachments,
    )


def note(item: Item, case: Case, agent: Address, number: int) -> NewEntry:
    """Return the mail as the agent sent it, for agents' eyes."""
    message = case.message
    return NewEntry(
        ticket=number,
        kind="note",
        at=item.row.envelope.received_at,
        public=False,
        author=agent,
        role="agent",
        subject=message.subject,
        text=message.text,
        reply=message.reply,
        signature=message.signature,
        quoted=message.quoted,
        message_id=message.message_id,
        auth=case.auth.value,
    )


def event(agent: Address, number: int, now: datetime) -> NewEvent:
    """Return the line of history that says whose hands it came from."""
    return NewEvent(
        ticket=number,
        at=now,
        kind="forwarded",
        who=agent.address,
        facts={"by": agent.name or agent.address},
    )
