"""Delivery reports by their form, and bounces by their words."""

import tomllib

import pytest

from chamado.parsers.classify import classify
from chamado.parsers.message import parse
from chamado.parsers.types import Kind
from tests.unit.parsers.mails import corpus, envelope, mail, multipart

PROSE: dict[str, dict[str, str]] = tomllib.loads(corpus("bounces.toml").decode())
RETURNED = (
    "Content-Type: message/rfc822\n\nMessage-ID: <reply.7.r.m@support.acme.example>\n"
    "From: suporte@acme.example\nTo: ana@example.com\nSubject: caso\n\ntexto\n"
)


def report(*groups: str, returned: str = RETURNED) -> bytes:
    """Return a report as RFC 6522 and RFC 3464 want it."""
    status = (
        "Content-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n"
    )
    raw = multipart("report", "\nSee below.", status + "\n".join(groups), returned)
    return raw.replace(b"report;", b"report; report-type=delivery-status;")


FAILED = (
    "Final-Recipient: rfc822; Ana@EXAMPLE.com\nAction: failed\nStatus: 5.1.1\n"
    "Diagnostic-Code: smtp; 550 5.1.1 <ana@example.com>:\n User unknown\n"
)


def test_l07_a_report_tells_whom_why_and_which():
    """L-07: recipient, action, status, diagnostic and the returned Message-ID are
    read."""
    bounce = parse(report(FAILED)).bounce
    assert bounce is not None
    assert bounce.original_message_id == "reply.7.r.m@support.acme.example"
    (one,) = bounce.recipients
    assert (one.address, one.action, one.status) == (
        "Ana@example.com",
        "failed",
        "5.1.1",
    )
    assert one.diagnostic == "550 5.1.1 <ana@example.com>: User unknown"


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("failed", Kind.BOUNCE),
        ("Failed (final)", Kind.BOUNCE),
        ("delayed", Kind.DELIVERY_NOTICE),
        ("relayed", Kind.DELIVERY_NOTICE),
        ("expanded", Kind.DELIVERY_NOTICE),
        ("delivered", Kind.DELIVERY_NOTICE),
    ],
)
def test_l08_delays_and_successes_are_notices(action, kind):
    """L-08: only what did not arrive and never will is a bounce."""
    message = parse(report(FAILED.replace("failed", action)))
    assert classify(message, envelope("")).kind is kind


def test_one_failure_among_successes_is_a_bounce():
    """A report about several recipients is as bad as its worst."""
    good = FAILED.replace("failed", "delivered").replace("Ana", "rui")
    message = parse(report(good, FAILED))
    assert classify(message, envelope("")).kind is Kind.BOUNCE
    assert message.bounce is not None
    assert len(message.bounce.recipients) == 2


@pytest.mark.parametrize(
    "returned",
    [
        RETURNED.replace("message/rfc822", "text/rfc822-headers"),
        RETURNED.replace("message/rfc822", "message/partial"),
        RETURNED.replace("message/rfc822\n\n", "text/plain\n").replace(
            "From:", "\nFrom:"
        ),
        "Content-Type: x/y\nMessage-ID:\n <reply.7.r.m@support.acme.example>\n\nx\n",
    ],
)
def test_the_returned_message_is_found_under_any_label(returned):
    """Headers alone, partial messages and mislabelled copies name the original."""
    bounce = parse(report(FAILED, returned=returned)).bounce
    assert bounce is not None
    assert bounce.original_message_id == "reply.7.r.m@support.acme.example"


def test_a_report_whose_boundary_is_wrong_is_still_read():
    """The parts are found by the boundary that is really there."""
    raw = report(FAILED).replace(b'boundary="b0"', b'boundary="other"')
    bounce = parse(raw).bounce
    assert bounce is not None
    assert [r.address for r in bounce.recipients] == ["Ana@example.com"]


def test_a_report_without_any_part_is_read_as_text():
    """What promises parts and has none is prose with fields in it."""
    body = f"Delivery failed.\n\nReporting-MTA: dns; mx.example\n\n{FAILED}"
    raw = mail(
        "From: MAILER-DAEMON@mx.example",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=none",
        body=body,
    )
    bounce = parse(raw).bounce
    assert bounce is not None
    assert [r.address for r in bounce.recipients] == ["Ana@example.com"]


def test_a_report_wrapped_by_a_gateway_is_read():
    """A machine's mail with the report as an attached message is that report."""
    inner = report(FAILED).decode().replace("b0", "b1").replace("\r\n", "\n")
    outer = multipart("mixed", f"Content-Type: message/rfc822\n\n{inner}", "\nscanned")
    raw = outer.replace(b"From: Ana <ana@example.com>", b"From: postmaster@gw.example")
    bounce = parse(raw).bounce
    assert bounce is not None
    assert [r.address for r in bounce.recipients] == ["Ana@example.com"]


@pytest.mark.parametrize("name", PROSE)
def test_bounces_in_prose(name):
    """qmail, Exim, Postfix, Exchange, providers, in many languages."""
    sample = PROSE[name]
    raw = (sample["header"].strip() + "\n\n" + sample["body"]).encode()
    message = parse(raw.replace(b"\n", b"\r\n"))
    kind = Kind.DELIVERY_NOTICE if sample.get("action") == "delayed" else Kind.BOUNCE
    assert classify(message, envelope("")).kind is kind
    assert message.bounce is not None
    assert [r.address for r in message.bounce.recipients] == [sample["recipient"]]
    assert message.bounce.original_message_id == sample.get("original")
    if "status" in sample:
        assert message.bounce.recipients[0].status == sample["status"]


@pytest.mark.parametrize("name", PROSE)
def test_the_same_words_from_a_person_are_no_bounce(name):
    """A customer who pastes a bounce has a question."""
    body = "Recebi isto:\n\n" + PROSE[name]["body"]
    message = parse(mail("Subject: erro ao enviar", body=body))
    assert message.bounce is None
    assert classify(message, envelope()).kind is Kind.PERSON


@pytest.mark.parametrize(
    ("sender", "subject", "body"),
    [
        ("postmaster@x.example", "Migração", "Vamos trocar o servidor na sexta.\n"),
        ("bounces@x.example", "Newsletter", "Novidades da semana.\n"),
        ("MAILER-DAEMON@x.example", "Welcome", "Your mailbox was created.\n"),
    ],
)
def test_other_mail_of_mail_systems_is_no_bounce(sender, subject, body):
    """Without a word about delivery a machine's mail is just that."""
    message = parse(mail(f"From: {sender}", f"Subject: {subject}", body=body))
    assert message.bounce is None


def test_feedback_reports_are_no_bounces():
    """A complaint is told from a failure (RFC 5965)."""
    part = "Content-Type: message/feedback-report\n\nFeedback-Type: abuse\n"
    message = parse(multipart("report", "\nabuse", part, RETURNED))
    assert message.bounce is None
    assert message.report_type == "feedback-report"


def test_a_receipt_names_what_was_read():
    """A disposition notification points at the message (RFC 8098)."""
    part = (
        "Content-Type: message/disposition-notification\n\n"
        "Final-Recipient: rfc822;ana@example.com\n"
        "Original-Message-ID: <reply.7.r.m@support.acme.example>\n"
        "Disposition: manual-action/MDN-sent-manually; displayed\n"
    )
    message = parse(multipart("report", "\nlido", part))
    assert classify(message, envelope()).kind is Kind.DELIVERY_NOTICE
    assert message.bounce is not None
    assert message.bounce.original_message_id == "reply.7.r.m@support.acme.example"
