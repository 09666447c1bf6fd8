"""The question how it went: planned when a case is resolved, judged when it is due.

It leaves once: the survey is marked as sent in the transaction that puts its letter
into the outbox. The token in the letter is stored nowhere else but as its hash.
"""

import secrets
from datetime import datetime, timedelta
from urllib.parse import quote

import structlog

from chamado.config.address import Address
from chamado.daemon import correspondence, letters
from chamado.daemon.core import survey as rules
from chamado.daemon.core.types import Resolution
from chamado.daemon.desk import Desk
from chamado.daemon.store import surveys
from chamado.daemon.store.engine import Work
from chamado.daemon.store.surveys import Standing
from chamado.notifier.addresses import UnusableAddress
from chamado.notifier.types import Poll
from chamado.parsers.defaults import NOBODY
from chamado.parsers.rules.sender import robot_address
from chamado.parsers.types import Envelope, ParsedMessage

log = structlog.get_logger()

#: Who is not asked: there was nothing to serve.
NOT_ASKED = (Resolution.DUPLICATE, Resolution.SPAM)


def schedule(
    work: Work,
    desk: Desk,
    number: int,
    agent: str,
    resolution: Resolution,
    now: datetime,
) -> None:
    """Plan the question, in the transaction that has just noted the resolution."""
    settings = desk.settings.survey
    if settings.enabled and resolution not in NOT_ASKED:
        due_at = now + timedelta(seconds=settings.delay)
        surveys.schedule(work, number, agent, due_at, now)


def ask(work: Work, desk: Desk, id_: int) -> str | None:
    """Send one question that is due, unless something speaks against it by now.

    Returns "sent", or why it was cancelled; None when somebody else was faster.
    """
    now = desk.clock()
    found = surveys.hold(work, id_)
    if found is None:
        return None
    reason = rules.why_not(_checked(work, desk, found, now))
    if reason is None:
        try:
            _send(work, desk, found, now)
        except UnusableAddress:
            reason = "address_unusable"
    if reason is not None:
        surveys.cancel(work, id_, reason)
        log.info("survey_cancelled", ticket=found.ticket, why=reason)
    return reason or "sent"


def poll_of(desk: Desk, address: str, token: str) -> tuple[Poll, str]:
    """Where a survey's clicks lead, and the address an answer to it goes to."""
    base = desk.settings.survey.base_url.rstrip("/")
    local, _, domain = address.partition("@")
    if desk.support((address,)).subaddress:
        reply_to, mark = f"{local}+{token}@{domain}", ""
    else:
        reply_to, mark = address, f"%20{token}"
    mail = f"mailto:{quote(reply_to, safe='@+')}?subject="
    unsubscribe = f"{mail}unsubscribe{mark}"
    page = f"{base}/survey/{token}"
    return Poll(
        votes=tuple(
            f"{page}?score={n}" if base else f"{mail}{n}{mark}" for n in rules.SCORES
        ),
        leave=f"{page}/unsubscribe" if base else unsubscribe,
        by_mail=not base,
        unsubscribe=(f"{page}/unsubscribe", unsubscribe) if base else (unsubscribe,),
        one_click=bool(base),
    ), reply_to


def _checked(work: Work, desk: Desk, found: Standing, now: datetime) -> rules.Checked:
    since = now - timedelta(seconds=desk.settings.survey.cool_down)
    return rules.Checked(
        enabled=desk.settings.survey.enabled,
        status=found.status,
        newest=found.newest,
        merged=found.merged_into is not None,
        woken=found.woken,
        address=found.address,
        own=desk.policy.own,
        machine=_is_machine(found.address, now),
        undelivered=surveys.undelivered(work, found.address),
        opted_out=found.opted_out,
        asked_recently=surveys.asked_since(work, found.contact_id, since),
        quiet=found.quiet_until is not None and found.quiet_until > now,
    )


def _send(work: Work, desk: Desk, found: Standing, now: datetime) -> None:
    token = rules.token_text(secrets.token_bytes(rules.TOKEN_BYTES))
    poll, reply_to = poll_of(desk, found.support, token)
    letter = letters.survey(
        desk,
        letters.CaseFacts(
            number=found.ticket,
            subject=found.subject,
            language=found.language,
            address=found.support,
        ),
        Address(name=found.name, address=found.address),
        correspondence.thread_with(work, found.ticket, found.address),
        poll,
        survey_id=found.id,
        reply_to=reply_to,
        verified=found.verified,
        now=now,
    )
    correspondence.queue(work, [letter], now)
    surveys.sent(
        work,
        found.id,
        token_hash=rules.token_hash(token),
        letter=letter.message_id,
        now=now,
        expires_at=now + timedelta(seconds=desk.settings.survey.expires),
    )


def _is_machine(address: str, now: datetime) -> bool:
    """Ask the rule that judges senders: no-reply is nobody to ask either."""
    message = ParsedMessage(sender=Address(address=address), from_count=1)
    envelope = Envelope(mail_from=address, rcpt_tos=(), received_at=now)
    return robot_address(message, envelope, NOBODY) is not None
