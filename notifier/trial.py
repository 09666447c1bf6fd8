"""The letter of `doctor --send-test`: an operator asks whether letters arrive.

Marked as automatic like every letter that no person wrote, so that nobody's machine
answers it.
"""

from datetime import datetime

from chamado.config.address import Address
from chamado.notifier import headers, mime
from chamado.notifier.addresses import mailbox
from chamado.notifier.types import Letter

TEXT = """This is a test of the outgoing mail of {name}.

Somebody ran `chamado doctor --send-test` to see whether letters arrive. If this one
did, they do. There is nothing else to do.
"""


def trial_letter(*, to: str, sender: Address, message_id: str, at: datetime) -> Letter:
    """Make the letter; raises UnusableAddress for an address no letter can go to."""
    recipient, own = mailbox(to), mailbox(sender.address)
    head = "".join(
        (
            headers.date(at),
            headers.address("From", sender.name, own),
            headers.address("To", "", recipient),
            headers.text("Subject", "Test of outgoing mail"),
            headers.ids("Message-ID", (message_id,)),
            headers.field("Auto-Submitted", "auto-generated"),
            headers.field("X-Auto-Response-Suppress", "All"),
            headers.field("MIME-Version", "1.0"),
        )
    )
    text = TEXT.format(name=sender.name or own)
    return Letter(
        message_id=message_id,
        mail_from="",
        rcpt_to=recipient,
        content=head.encode("ascii") + mime.written("plain", text),
        at_most_once=True,
    )
