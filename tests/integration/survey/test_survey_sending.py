"""From a resolution to a question: planned, judged when it is due, sent once."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import update

from chamado.config.address import Address
from chamado.config.settings import SupportAddress, Survey
from chamado.daemon import actions, questions
from chamado.daemon.core.types import Channel, Resolution, Status
from chamado.daemon.enclosed import Files
from chamado.daemon.store import cases, schema
from chamado.daemon.store.engine import Store
from chamado.notifier.types import Fate, Outcome
from chamado.parsers.pool import ParserPool
from tests.support.house import SUPPORT, House, house
from tests.support.polls import (
    BASE,
    BIA,
    DAY,
    asked,
    opened,
    read,
    resolve,
    resolved,
    shown,
    surveys,
    text_of,
    token_of,
)


def state(home: House, number: int) -> tuple[str, str | None]:
    """State and reason of a case's survey."""
    survey = shown(home, number)["survey"]
    return survey["state"], survey["reason"]


@pytest.mark.parametrize("code", Resolution)
def test_a_resolution_plans_one_question(home: House, code: Resolution) -> None:
    """Every ending but duplicate and spam is asked about, a day later."""
    number = resolved(home, code)
    survey = shown(home, number)["survey"]
    if code in (Resolution.DUPLICATE, Resolution.SPAM):
        assert survey is None
        return
    assert survey["state"] == "scheduled"
    assert survey["due_at"] == home.clock.now.replace(day=home.clock.now.day + 1)
    assert {k: survey[k] for k in ("score", "sent_at", "answered_at", "via")} == {
        "score": None,
        "sent_at": None,
        "answered_at": None,
        "via": None,
    }


def test_a_question_leaves_when_it_is_due_and_once(home: House) -> None:
    """Not a second early, and however often the clock ticks."""
    number = resolved(home)
    home.deliver()
    before = len(home.relay.letters)
    home.clock.move(hours=DAY, seconds=-1)
    assert surveys(home).send_due() == 0
    home.clock.move(seconds=1)
    assert surveys(home).send_due() == 1
    assert surveys(home).send_due() == 0
    home.deliver()
    assert len(home.relay.letters) == before + 1
    survey = shown(home, number)["survey"]
    assert (survey["state"], survey["sent_at"]) == ("sent", home.clock.now)


def test_the_letter_is_automatic_and_says_how_to_leave(home: House) -> None:
    """Null sender, marks of a machine, one click to opt out (RFC 8058)."""
    number, letter = asked(home)
    sent = read(letter)
    assert letter.mail_from == ""
    assert letter.at_most_once
    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["X-Auto-Response-Suppress"] == "All"
    token = token_of(letter)
    page = f"{BASE}/survey/{token}"
    assert sent["List-Unsubscribe"] == (
        f"<{page}/unsubscribe>, "
        f"<mailto:suporte+{token}@acme.example?subject=unsubscribe>"
    )
    assert sent["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert sent["Message-ID"].startswith(f"<survey.{number}.")
    assert sent["Reply-To"].addresses[0].addr_spec == f"suporte+{token}@acme.example"
    assert sent["Subject"] == f"[#{number}] Como foi o nosso atendimento?"


def test_a_click_leads_to_the_page_with_a_score_chosen(home: House) -> None:
    """Five links, one a score, each under the configured address."""
    _, letter = asked(home)
    page = f"{BASE}/survey/{token_of(letter)}"
    text = text_of(letter)
    html = read(letter).get_body(("html",))
    assert html is not None
    for score in range(1, 6):
        assert f": {page}?score={score}\n" in text
        assert f'href="{page}?score={score}"' in html.get_content()


def test_without_a_page_a_click_opens_a_mail(mail_home: House) -> None:
    """mailto links with the score as their subject, and no one-click header."""
    _, letter = asked(mail_home)
    token = token_of(letter)
    html = read(letter).get_body(("html",))
    assert html is not None
    link = f"mailto:suporte+{token}@acme.example?subject="
    for score in range(1, 6):
        assert f'href="{link}{score}"' in html.get_content()
    sent = read(letter)
    assert sent["List-Unsubscribe"] == f"<{link}unsubscribe>"
    assert sent["List-Unsubscribe-Post"] is None
    assert "http" not in text_of(letter)


def test_where_there_are_no_sub_addresses_the_subject_carries_the_token(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """The mail of a click still says which survey it answers."""
    plain = (SupportAddress(address=SUPPORT),)
    with house(store, pool, tmp_path, survey=Survey(), address=plain) as home:
        _, letter = asked(home)
        token = token_of(letter)
        sent = read(letter)
        link = f"mailto:{SUPPORT}?subject=unsubscribe%20{token}"
        assert sent["List-Unsubscribe"] == f"<{link}>"
        assert sent["Reply-To"].addresses[0].addr_spec == SUPPORT


def test_the_token_is_stored_as_its_hash_alone(home: House) -> None:
    """Whoever reads the tables of surveys, or a case, cannot vote."""
    number, letter = asked(home)
    token = token_of(letter)
    assert token not in str(home.rows(schema.survey))
    case = shown(home, number)
    assert token not in str(case)
    (entry,) = [e for e in case["entries"] if e["kind"] == "survey"]
    assert f"{BASE}/survey/…?score=5" in entry["text"]


@pytest.mark.parametrize("language", ["pt-BR", "en", "es"])
def test_a_customer_is_asked_in_the_language_of_the_case(
    home: House, language: str
) -> None:
    """The letter speaks as the case did."""
    number = resolved(home)
    with home.store.write() as work:
        cases.change(work, number, language=language)
    home.clock.move(hours=DAY)
    surveys(home).send_due()
    home.deliver()
    assert read(home.relay.letters[-1])["Content-Language"] == language


def test_a_case_that_woke_up_is_not_asked_about(home: House) -> None:
    """Reopened by the customer's word before the day was over."""
    number = resolved(home)
    home.clock.move(hours=1)
    with home.store.write() as work:
        actions.reopen(work, home.desk, number, who=BIA.address, now=home.clock())
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 0
    assert state(home, number) == ("cancelled", "reopened")


def test_a_case_resolved_twice_is_asked_about_once(home: House) -> None:
    """The question is about the last resolution, a day after it."""
    number = resolved(home)
    home.clock.move(hours=12)
    with home.store.write() as work:
        actions.reopen(work, home.desk, number, who=BIA.address, now=home.clock())
    home.clock.move(hours=1)
    resolve(home, number)
    home.clock.move(hours=12)
    assert surveys(home).send_due() == 0
    home.clock.move(hours=12)
    assert surveys(home).send_due() == 1
    rows = [(r["state"], r["reason"]) for r in home.rows(schema.survey)]
    assert rows == [("cancelled", "resolved_again"), ("sent", "")]


def test_a_case_closed_after_its_resolution_is_asked_about(home: House) -> None:
    """Closing what is resolved long enough is no other ending."""
    number = resolved(home)
    with home.store.write() as work:
        cases.set_status(work, [(number, Status.CLOSED)])
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 1


def test_a_case_that_woke_and_was_closed_for_silence_is_not(home: House) -> None:
    """Nobody was served in the end, so nobody is asked."""
    number = resolved(home)
    with home.store.write() as work:
        actions.reopen(work, home.desk, number, who=BIA.address, now=home.clock())
        cases.set_status(work, [(number, Status.CLOSED)])
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 0
    assert state(home, number) == ("cancelled", "reopened")


def _merge(home: House, number: int) -> None:
    other = opened(home, sender="Rui <rui@example.com>")
    with home.store.write() as work:
        cases.change(work, number, merged_into=other)


def _opt_out(home: House, number: int) -> None:
    with home.store.write() as work:
        work.execute(update(schema.contact).values(no_surveys=True))


def _hush(home: House, number: int) -> None:
    until = home.clock.now.replace(year=2030)
    with home.store.write() as work:
        cases.quiet(work, ["ana@example.com"], until)


def _spoil(home: House, number: int) -> None:
    with home.store.write() as work:
        work.execute(update(schema.contact).values(address="josé@example.com"))


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_merge, "merged"),
        (_opt_out, "opted_out"),
        (_hush, "quiet"),
        (_spoil, "address_unusable"),
    ],
)
def test_what_speaks_against_asking_stands_on_the_case(
    home: House, spoil: Callable[[House, int], None], reason: str
) -> None:
    """Nothing is sent, and the case says why."""
    number = resolved(home)
    spoil(home, number)
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 0
    assert state(home, number) == ("cancelled", reason)


@pytest.mark.parametrize(
    ("sender", "reason"),
    [
        ("Loja <no-reply@shop.example>", "machine_address"),
        ("Bia <bia@acme.example>", "own_address"),
        ("Vendas <vendas@acme.example>", "own_address"),
    ],
)
def test_machines_and_we_ourselves_are_not_asked(
    home: House, sender: str, reason: str
) -> None:
    """A case of a monitor, or of a colleague, is nobody's to judge."""
    number = resolved(home, sender=sender)
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 0
    assert state(home, number) == ("cancelled", reason)


def test_who_cannot_be_reached_is_not_asked(home: House) -> None:
    """The newest letter to that address was refused for good."""
    home.relay.answers = [Outcome(fate=Fate.REFUSED, reply="550 5.1.1 no such user")]
    number = opened(home)
    home.deliver()
    home.relay.answers = []
    resolve(home, number)
    home.clock.move(hours=DAY)
    with home.store.write() as work:
        work.execute(
            update(schema.outbox)
            .where(schema.outbox.c.kind == "resolved")
            .values(state="failed")
        )
    assert surveys(home).send_due() == 0
    assert state(home, number) == ("cancelled", "bounced")


def test_a_customer_is_asked_once_in_thirty_days(home: House) -> None:
    """Two cases in one week are one question; a month later there is another."""
    first, _ = asked(home)
    home.clock.move(days=2)
    second = resolved(home, text="Outra coisa.")
    other = resolved(home, sender="Rui <rui@example.com>")
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 1
    assert state(home, second) == ("cancelled", "asked_recently")
    assert state(home, other) == ("sent", None)
    home.clock.move(days=30)
    third = resolved(home, text="Mais uma coisa.")
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 1
    assert state(home, third) == ("sent", None)
    assert state(home, first)[0] == "expired"


def test_two_cases_of_one_customer_in_one_tick_are_one_question(home: House) -> None:
    """The second sees that the first has just been asked."""
    numbers = [resolved(home), resolved(home, text="Outra coisa.")]
    home.clock.move(hours=DAY)
    assert surveys(home).send_due() == 1
    assert [state(home, n)[0] for n in numbers] == ["sent", "cancelled"]


def test_three_days_of_downtime_send_each_question_once(home: House) -> None:
    """What was due meanwhile leaves with the first tick."""
    for name in ("ana", "rui", "eva"):
        resolved(home, sender=f"{name} <{name}@example.com>")
    home.clock.move(days=4)
    assert surveys(home).send_due() == 3
    assert surveys(home).send_due() == 0


def test_surveys_that_are_off_are_neither_planned_nor_sent(
    home: House, store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """Turning them off also calls back what was planned before."""
    number = resolved(home)
    home.clock.move(hours=DAY)
    off = Survey(enabled=False)
    with house(store, pool, tmp_path / "off", survey=off) as quiet:
        quiet.clock.now = home.clock.now
        assert surveys(quiet).send_due() == 0
        assert state(quiet, number) == ("cancelled", "disabled")
        other = resolved(quiet, sender="Rui <rui@example.com>")
        assert shown(quiet, other)["survey"] is None


def test_a_delay_of_nothing_asks_at_once(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """An operator who wants it in the next minute gets it."""
    with house(store, pool, tmp_path, survey=Survey(delay=0)) as home:
        resolved(home)
        assert surveys(home).send_due() == 1


def test_l07_a_survey_that_bounces_is_called_back(home: House) -> None:
    """L-07: nobody was asked, the rate of answers does not suffer, and the case
    rests."""
    number, letter = asked(home)
    report = (
        b"From: MAILER-DAEMON@example.com\r\nTo: suporte@acme.example\r\n"
        b"Subject: Undelivered\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"'
        b"\r\n\r\n--b\r\n\r\nSorry.\r\n--b\r\n"
        b"Content-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example.com\r\n\r\n"
        b"Final-Recipient: rfc822; ana@example.com\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\n\r\n--b\r\nContent-Type: message/rfc822\r\n\r\n"
        + letter.content
        + b"\r\n--b--\r\n"
    )
    fate = home.mail(report, mail_from="")
    assert fate["outcome"] == "bounce_recorded"
    assert state(home, number) == ("cancelled", "bounced")
    assert shown(home, number)["status"] == "resolved"


def test_one_question_that_fails_keeps_no_other_waiting(
    home: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told with its trace and tried again an hour later."""
    first = resolved(home)
    second = resolved(home, sender="Rui <rui@example.com>")
    home.clock.move(hours=DAY)
    honest = questions.ask
    (id_, _) = [row["id"] for row in home.rows(schema.survey)]

    def broken(work: object, desk: object, one: int) -> str | None:
        if one == id_:
            raise RuntimeError("no template")
        return honest(work, desk, one)  # type: ignore[arg-type]  # passed on

    monkeypatch.setattr(questions, "ask", broken)
    assert surveys(home).send_due() == 1
    monkeypatch.undo()
    assert state(home, first)[0] == "scheduled"
    assert state(home, second)[0] == "sent"
    assert surveys(home).send_due() == 0
    home.clock.move(hours=1)
    assert surveys(home).send_due() == 1


def test_expired_questions_say_so(home: House) -> None:
    """After twenty-eight days without an answer."""
    number, _ = asked(home)
    home.clock.move(days=28)
    surveys(home).send_due()
    assert state(home, number) == ("expired", None)


def test_a_name_that_nobody_proved_is_not_repeated(home: House) -> None:
    """An unproven sender's name and subject are not in what a machine sends."""
    _, letter = asked(
        home,
        sender="Click http://evil.example now <ana@example.com>",
        subject="FREE NITRO evil",
    )
    assert b"evil" not in letter.content
    assert b"NITRO" not in letter.content


@pytest.mark.parametrize(
    ("address", "reason"), [("ana@example.com", None), ("", "no_address")]
)
def test_a_case_of_another_channel_is_asked_about_by_mail(
    home: House, address: str, reason: str | None
) -> None:
    """The channel does not matter; an address to write to does."""
    new = actions.NewCase(
        requester=Address(name="Ana", address=address),
        subject="Por telefone",
        text="Ligou.",
        channel=Channel.PHONE,
        received_at=home.clock(),
    )
    with home.store.write() as work:
        number = actions.open_case(
            work, home.desk, new, Files(), who=BIA.address, now=home.clock()
        ).number
    resolve(home, number)
    home.clock.move(hours=DAY)
    surveys(home).send_due()
    expected = "cancelled" if reason else "sent"
    assert state(home, number) == (expected, reason)
