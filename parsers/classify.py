"""What wrote a message: a person or a machine, and what we may do about it.

`RULES` is the whole policy: the first rule that fires and names a kind decides it, and
every rule that fires adds its verdict. All hits are kept, so that `why` can say what
was seen. Nothing here drops mail: a verdict only keeps automatic letters from going
out and resolved cases from waking up.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chamado.parsers.defaults import NOBODY
from chamado.parsers.rules import (
    automatic,
    away,
    empty,
    lists,
    ours,
    reports,
    sender,
)
from chamado.parsers.types import (
    Classification,
    Envelope,
    Hit,
    Kind,
    Own,
    ParsedMessage,
)


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of the policy: what it looks for and what follows from a hit."""

    hit: Callable[[ParsedMessage, Envelope, Own], Hit | None]
    kind: Kind | None
    no_ack: bool
    no_reopen: bool


# fmt: off
RULES: tuple[Rule, ...] = (
    #    looks for                    kind                  no_ack no_reopen
    Rule(ours.own_loop_header,        Kind.LOOP,            True,  True),
    Rule(ours.own_message_id,         Kind.LOOP,            True,  True),
    Rule(ours.named_in_loop,          Kind.LOOP,            True,  True),
    Rule(reports.feedback_report,     Kind.FEEDBACK_REPORT, True,  True),
    Rule(reports.delivery_failed,     Kind.BOUNCE,          True,  True),
    Rule(reports.delivery_notice,     Kind.DELIVERY_NOTICE, True,  True),
    Rule(away.away,                   Kind.OUT_OF_OFFICE,   True,  True),
    Rule(reports.calendar_answer,     Kind.AUTO_REPLY,      True,  True),
    Rule(automatic.auto_submitted,    Kind.AUTO_REPLY,      True,  True),
    Rule(automatic.auto_reply_header, Kind.AUTO_REPLY,      True,  True),
    Rule(lists.mailing_list,          Kind.MAILING_LIST,    True,  True),
    Rule(lists.mass_mail,             Kind.MAILING_LIST,    True,  True),
    Rule(automatic.precedence,        Kind.AUTO_REPLY,      True,  True),
    Rule(automatic.machine_header,    Kind.AUTO_REPLY,      True,  True),
    Rule(automatic.exchange_generated, Kind.AUTO_REPLY,     True,  True),
    Rule(reports.report,              Kind.AUTO_REPLY,      True,  True),
    Rule(reports.failed_recipients,   Kind.AUTO_REPLY,      True,  True),
    Rule(away.auto_reply_subject,     Kind.AUTO_REPLY,      True,  True),
    Rule(away.away_subject,           Kind.OUT_OF_OFFICE,   True,  False),
    Rule(sender.null_sender,          Kind.AUTO_REPLY,      True,  True),
    Rule(sender.robot_address,        None,                 True,  True),
    Rule(automatic.suppress_wish,     None,                 True,  False),
    Rule(automatic.other_desk,        None,                 True,  False),
    Rule(ours.answers_our_robot,      None,                 True,  False),
    Rule(ours.own_sender,             None,                 True,  False),
    Rule(sender.no_sender,            None,                 True,  False),
    Rule(empty.empty,                 None,                 False, False),
)
# fmt: on


def classify(
    message: ParsedMessage, envelope: Envelope, own: Own = NOBODY
) -> Classification:
    """Apply every rule to a message; pure and total."""
    fired = [
        (rule, hit)
        for rule in RULES
        if (hit := rule.hit(message, envelope, own)) is not None
    ]
    kinds = (rule.kind for rule, _ in fired if rule.kind is not None)
    return Classification(
        kind=next(kinds, Kind.PERSON),
        hits=tuple(hit for _, hit in fired),
        no_ack=any(rule.no_ack for rule, _ in fired),
        no_reopen=any(rule.no_reopen for rule, _ in fired),
    )
