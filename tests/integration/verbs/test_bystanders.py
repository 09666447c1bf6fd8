"""Mail by machines and in others' names: filed, and nobody is bothered by it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.config.settings import Listener
from chamado.daemon import agents
from chamado.daemon.core.types import Resolution
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.notifier.types import Fate, Outcome
from chamado.parsers.pool import ParserPool
from tests.support.casework import Desk, parsed, words_of
from tests.support.house import House, house, message

SOURCE = "smtp:127.0.0.1:2525"
DOOR = Listener(trusted_authserv_ids=("mx.acme.example",))
REFUSED = Outcome(fate=Fate.REFUSED, reply="550 5.7.1 no")


@pytest.fixture
def bordered(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house behind a border that vouches for senders."""
    with house(store, pool, tmp_path, listener=(DOOR,)) as built:
        yield built


def _report(n: int, what: str = "failed", original: str = "") -> bytes:
    """A delivery report of server `n` about a mail of that id."""
    original = original or f"never-sent-{n}@acme.example"
    return (
        f"From: Mail Delivery <MAILER-DAEMON@mx{n}.example>\r\n"
        "To: suporte@acme.example\r\nSubject: Undelivered Mail\r\n"
        f"Message-ID: <dsn{n}@mx{n}.example>\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
        f"\r\n--b\r\nContent-Type: text/plain\r\n\r\nreport {n}\r\n--b\r\n"
        "Content-Type: message/delivery-status\r\n\r\n"
        f"Reporting-MTA: dns; mx{n}.example\r\n\r\n"
        f"Final-Recipient: rfc822; ana@example.com\r\nAction: {what}\r\n"
        f"Status: {'5.1.1' if what == 'failed' else '4.4.1'}\r\n\r\n--b\r\n"
        f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: <{original}>\r\n"
        "Subject: x\r\n\r\n--b--\r\n"
    ).encode()


def _told(home: House) -> list[str]:
    home.clock.move(seconds=61)
    with home.store.write() as work:
        agents.tell(work, home.desk, home.clock())
    kinds = [row["kind"] for row in home.rows(schema.outbox)]
    return [kind for kind in kinds if kind in ("notice", "digest")]


@pytest.mark.parametrize(
    ("header", "value", "ack"),
    [
        ("Auto-Submitted", 'auto-replied; owner-email="x"', "suppressed:machine"),
        ("Auto-Submitted", "AUTO-GENERATED", "suppressed:machine"),
        ("Auto-Submitted", "auto-notified", "suppressed:machine"),
        ("Auto-Submitted", "no", "queued"),
        ("Precedence", "list", "suppressed:machine"),
        ("Precedence", "junk", "suppressed:machine"),
        ("Precedence", "auto_reply", "suppressed:machine"),
        ("Precedence", "first-class", "queued"),
        ("List-Unsubscribe", "<mailto:x@example.com>", "suppressed:machine"),
        ("Mailing-List", "list x; contact y", "suppressed:machine"),
        ("X-Failed-Recipients", "a@b.example", "suppressed:machine"),
        ("X-Autoreply", "yes", "suppressed:machine"),
        ("X-Autorespond", "", "suppressed:machine"),
        (
            "X-MS-Exchange-Inbox-Rules-Loop",
            "suporte@acme.example",
            "suppressed:machine",
        ),
        ("X-Chamado-Loop", "another-instance", "queued"),
    ],
)
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_l02_l03_l04_l06_l24_every_mark_of_a_machine_says_whether_we_answer(
    home: House, header: str, value: str, ack: str
) -> None:
    """L-02, L-03, L-04, L-06, L-24: filed whatever it says, answered only to people."""
    fate = home.mail(message(**{header.replace("-", "_"): value}))
    assert (fate["outcome"], fate["ack"]) == ("ticket_opened", ack)


def test_l07_a_bounce_is_told_to_agents_once_and_wakes_no_case(home: House) -> None:
    """L-07: the case stays resolved, no letter follows, one notice goes to the team."""
    desk = Desk(home)
    number = desk.opens()
    desk.reply(number)
    desk.resolve(number, Resolution.ANSWERED)
    home.deliver()
    _told(home)
    before = home.rows(schema.outbox)
    reply = next(row for row in before if row["kind"] == "reply")
    home.mail(_report(1, original=reply["message_id"]), mail_from="")
    _told(home)
    _told(home)
    new = home.rows(schema.outbox)[len(before) :]
    assert [(row["kind"], row["rcpt_to"]) for row in new] == [
        ("notice", "bia@acme.example")
    ]
    assert "um e-mail nosso voltou" in words_of(parsed(new[0]["content"]))
    assert desk.case(number)["status"] == "resolved"


def test_l08_a_delay_is_noted_and_that_is_all(home: House) -> None:
    """L-08: the letter stays sent, the answer stays given, nobody is told."""
    desk = Desk(home)
    number = desk.opens()
    desk.reply(number)
    home.deliver()
    _told(home)
    before = home.rows(schema.outbox)
    reply = next(row for row in before if row["kind"] == "reply")
    fate = home.mail(_report(1, "delayed", reply["message_id"]), mail_from="")
    assert fate["outcome"] == "bounce_recorded"
    _told(home)
    assert home.rows(schema.outbox) == before
    case = desk.case(number)
    assert (case["status"], bool(case["first_response_at"])) == ("open", True)


def test_l10_forged_reports_are_filed_answered_never_and_told_in_one_list(
    home: House,
) -> None:
    """L-10: backscatter of mail that we never sent is no storm and no answer."""
    ids = [home.take(_report(n), mail_from="") for n in range(60)]
    home.process(*ids)
    fates = [home.fate(id_) for id_ in ids]
    assert {fate["outcome"] for fate in fates} == {"ticket_opened"}
    assert all(str(fate["ack"]).startswith("suppressed:") for fate in fates)
    assert _told(home) == ["digest"]
    assert len(home.rows(schema.outbox)) == 1


def test_l10_reports_of_one_server_lie_in_few_cases(home: House) -> None:
    """L-10: from the seventh report in ten minutes on they are filed together."""
    fates = []
    for n in range(30):
        raw = _report(n).replace(f"DAEMON@mx{n}.".encode(), b"DAEMON@mx.")
        fates.append(home.mail(raw, mail_from=""))
    assert len({fate["ticket"] for fate in fates}) <= 6
    assert len(home.rows(schema.entry)) == 30


@pytest.mark.parametrize(
    "part",
    [
        "multipart/report; report-type=disposition-notification; boundary=b|"
        "message/disposition-notification|Disposition: manual-action/MDN-sent",
        "multipart/report; report-type=feedback-report; boundary=b|"
        "message/feedback-report|Feedback-Type: abuse",
        'multipart/mixed; boundary=b|text/calendar; method="REPLY"|BEGIN:VCALENDAR',
    ],
)
def test_l15_receipts_complaints_and_acceptances_are_filed_and_not_answered(
    home: House, part: str
) -> None:
    """L-15: and a mail that asks for a receipt gets none."""
    kind, inner, words = part.split("|")
    raw = (
        "From: Ana <ana@example.com>\r\nTo: suporte@acme.example\r\nSubject: Read\r\n"
        "Message-ID: <r@example.com>\r\nMIME-Version: 1.0\r\n"
        "Disposition-Notification-To: ana@example.com\r\n"
        f"Return-Receipt-To: ana@example.com\r\nContent-Type: {kind}\r\n\r\n"
        "--b\r\nContent-Type: text/plain\r\n\r\nread\r\n--b\r\n"
        f"Content-Type: {inner}\r\n\r\n{words}\r\nMETHOD:REPLY\r\n--b--\r\n"
    ).encode()
    fate = home.mail(raw)
    assert fate["outcome"] == "ticket_opened"
    assert str(fate["ack"]).startswith("suppressed:")
    assert home.rows(schema.outbox) == []


def test_l15_who_asks_for_a_receipt_gets_the_acknowledgement_alone(
    home: House,
) -> None:
    """L-15: we never send a disposition notification (RFC 8098)."""
    asks = {"Disposition_Notification_To": "ana@example.com"}
    home.mail(message(**asks))
    (letter,) = home.rows(schema.outbox)
    assert letter["kind"] == "ack"
    assert b"disposition" not in letter["content"].lower()


def test_l16_a_subscription_bomb_answers_no_victim(bordered: House) -> None:
    """L-16: of two hundred forged senders none hears of us; the team gets one list."""
    home = bordered
    ids = []
    for n in range(200):
        border = (
            "Authentication-Results: mx.acme.example; "
            f"dmarc={'fail' if n % 2 else 'none'} header.from=v{n}.example\r\n"
        ).encode()
        raw = message(
            f"subscribe {n}",
            sender=f"victim@v{n}.example",
            message_id=f"<b{n}@v{n}.example>",
        )
        ids.append(
            home.take(border + raw, mail_from=f"victim@v{n}.example", source=SOURCE)
        )
    home.process(*ids)
    assert {home.fate(id_)["ack"] for id_ in ids[:20]} == {
        "suppressed:sender_not_authenticated"
    }
    assert home.rows(schema.outbox) == []
    assert _told(home) == ["digest"]


def test_l23_a_refused_acknowledgement_is_the_end_of_it(home: House) -> None:
    """L-23: no second attempt, no letter about the letter, and the case is there."""
    desk = Desk(home)
    number = desk.opens()
    home.relay.answers = [REFUSED]
    assert home.deliver() == 1
    for _ in range(5):
        home.clock.move(hours=12)
        assert home.deliver() == 0
    (letter,) = home.rows(schema.outbox)
    assert (letter["state"], letter["attempts"]) == ("failed", 1)
    assert desk.case(number)["status"] == "new"


def test_l23_a_bounce_of_the_acknowledgement_is_not_answered(home: House) -> None:
    """L-23: a report about it is recorded, and no letter follows from it."""
    desk = Desk(home)
    number = desk.opens()
    home.deliver()
    (ack,) = home.rows(schema.outbox)
    fate = home.mail(_report(1, original=ack["message_id"]), mail_from="")
    assert (fate["outcome"], fate["ticket"]) == ("bounce_recorded", number)
    letters = [
        r for r in home.rows(schema.outbox) if r["rcpt_to"] != "bia@acme.example"
    ]
    assert [r["kind"] for r in letters] == ["ack"]


def test_d11_three_alerts_of_a_monitor_are_three_entries(home: House) -> None:
    """D-11: the same words with other dates and ids are no duplicates."""
    fates = []
    for n in range(3):
        raw = message(
            "CRITICAL: disk /var on db1 is 97 % full, threshold is 90 %.",
            sender="monitor@example.com",
            subject="PROBLEM db1 disk",
            message_id=f"<alert{n}@example.com>",
        ).replace(b"11:59:00", f"11:5{n}:00".encode())
        fates.append(home.mail(raw, mail_from="monitor@example.com"))
        home.clock.move(minutes=5)
    assert "duplicate" not in {fate["outcome"] for fate in fates}
    assert len(home.rows(schema.entry)) == 3


def test_l22_thanks_after_the_end_bring_no_second_survey(home: House) -> None:
    """L-22: filed on the resolved case, with one survey planned as before."""
    desk = Desk(home)
    number = desk.opens()
    desk.reply(number)
    desk.resolve(number, Resolution.ANSWERED)
    home.deliver()
    home.clock.move(hours=3)
    fate = desk.answers(number, "Muito obrigado!")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert desk.case(number)["status"] == "resolved"
    assert len(home.rows(schema.survey)) == 1
