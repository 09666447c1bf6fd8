"""Reports of mail systems about mail: by their form (RFC 6522, 3464, 5965, 8098).

Whether a report is about a message of ours is for the daemon, which knows what we
sent. A customer's report about somebody else's mail is evidence and becomes a case.
"""

from chamado.parsers.rules.headers import shown, values
from chamado.parsers.types import Envelope, Hit, Own, ParsedMessage

_HARMLESS = frozenset(
    ("delayed", "delivered", "relayed", "expanded", "deliverable", "displayed")
)


def feedback_report(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """An abuse report of a provider (RFC 5965)."""
    if m.report_type == "feedback-report":
        return Hit(rule="feedback_report", why="report-type=feedback-report")
    return None


def delivery_failed(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """A delivery report that names a recipient who got nothing, or none at all."""
    if m.bounce is None or m.report_type == "disposition-notification":
        return None
    actions = {recipient.action for recipient in m.bounce.recipients}
    if actions and actions <= _HARMLESS:
        return None
    failed = [r.address for r in m.bounce.recipients if r.action not in _HARMLESS]
    why = f"not delivered to {', '.join(failed[:3])}" if failed else "delivery report"
    return Hit(rule="delivery_failed", why=why[:200])


def delivery_notice(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """A delivery report about a delay or a success, or a receipt (RFC 8098)."""
    if m.report_type == "disposition-notification":
        return Hit(rule="delivery_notice", why="report-type=disposition-notification")
    if m.bounce is None or not m.bounce.recipients:
        return None
    actions = {recipient.action for recipient in m.bounce.recipients}
    if not actions <= _HARMLESS:
        return None
    return Hit(rule="delivery_notice", why=f"action: {', '.join(sorted(actions))}")


def report(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """Any report for machines, whatever it reports."""
    if m.content_type == "multipart/report" or m.report_type:
        return Hit(rule="report", why=f"report-type={m.report_type or 'unnamed'}")
    return None


def failed_recipients(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """Exim names whom it did not reach."""
    for name, value in values(m, "x-failed-recipients"):
        return Hit(rule="failed_recipients", why=shown(name, value))
    return None


def calendar_answer(m: ParsedMessage, envelope: Envelope, own: Own) -> Hit | None:
    """A calendar program's answer to an invitation (RFC 5546 §3.2.3)."""
    if m.calendar_method in ("reply", "counter", "declinecounter", "refresh"):
        return Hit(rule="calendar_answer", why=f"calendar method={m.calendar_method}")
    return None
