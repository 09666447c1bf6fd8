"""Asking the customer for more: the clock stands still, and what comes is told."""

from datetime import timedelta

import pytest

from chamado.daemon import actions
from chamado.daemon.core.evidence import Topic
from chamado.daemon.refusal import BadData
from chamado.daemon.store import schema
from tests.support.casework import BIA, Desk, words_of
from tests.support.house import House

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000320000002580802000000"
) + bytes(60_000)
HEADER = """Segue o cabeçalho:

Delivered-To: ana@example.com
Received: by 2002:a05 with SMTP id x; Wed, 25 Nov 2026 03:00:00 -0800
Return-Path: <news@shop.example>
DKIM-Signature: v=1; a=rsa-sha256; d=shop.example
"""


@pytest.fixture
def desk(home: House) -> Desk:
    """People in a house with the usual settings."""
    return Desk(home)


def test_asking_makes_the_case_wait_and_answers_the_promise(desk: Desk) -> None:
    """An entry of its own kind, a letter with instructions, history, and the status."""
    number = desk.opens()
    desk.home.clock.move(hours=1)
    said = desk.ask(number, Topic.SCREENSHOT, Topic.HEADERS, text="Olá, Ana.")
    assert said.to == ("ana@example.com",)
    case = desk.case(number)
    assert case["status"] == "waiting"
    assert case["waiting_since"] == case["first_response_at"] == desk.home.clock()
    entry = desk.entries(number)[-1]
    assert (entry["kind"], entry["public"], entry["author_address"]) == (
        "info_request",
        True,
        BIA.address,
    )
    assert entry["text"].startswith("Olá, Ana.")
    assert "the full header of the mail, a screenshot" in entry["text"]
    (letter,) = desk.letters(number, "info_request")
    assert letter["Message-ID"] == f"<{entry['message_id']}>"
    assert letter["In-Reply-To"] == "<c1@example.com>"
    assert "Auto-Submitted" not in letter
    text = words_of(letter)
    assert text.index("Olá, Ana.") < text.index("Gmail") < text.index("iPhone")
    assert "Exportar HAR" not in text
    (facts,) = desk.happened(number, "asked")
    assert facts["topics"] == ["headers", "screenshot"]
    assert (facts["from"], facts["to"]) == ("new", "waiting")


def test_the_clock_stands_still_until_the_answer_comes(desk: Desk) -> None:
    """Three days of the customer's silence cost none of our time."""
    number = desk.opens()
    with desk.home.store.write() as work:
        actions.wait(
            work, desk.home.desk, number, who=BIA.address, now=desk.home.clock()
        )
    stopped = desk.clocks(number)["first_response"]
    assert (stopped["due_at"], stopped["done_at"]) == (None, None)
    desk.home.clock.move(days=2)
    assert desk.answers(number, "Aqui está.")["outcome"] == "reply_appended"
    running = desk.clocks(number)["first_response"]
    assert running["due_at"] == desk.home.clock() + timedelta(hours=24)


@pytest.mark.parametrize(
    ("text", "files", "came", "missing"),
    [
        ("Segue.", [("tela.png", "image/png", PNG)], ["screenshot"], ["logs"]),
        ("Segue.", [("rede.har", "application/json", b"{}")], ["logs"], ["screenshot"]),
        (HEADER, [], ["headers"], ["logs", "screenshot"]),
        ("1. abri\n2. cliquei\n", [], ["steps"], ["logs", "screenshot"]),
        ("Não sei fazer isso.", [], [], ["logs", "screenshot"]),
        (
            "Tudo em anexo.",
            [("t.png", "image/png", PNG), ("a.log", "text/plain", b"x")],
            ["logs", "screenshot"],
            [],
        ),
    ],
)
def test_the_answer_wakes_the_case_which_says_what_came(
    desk: Desk,
    text: str,
    files: list[tuple[str, str, bytes]],
    came: list[str],
    missing: list[str],
) -> None:
    """What of it was asked for, in which files, and what is still missing."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS, Topic.SCREENSHOT)
    desk.home.clock.move(hours=5)
    fate = desk.answers(number, text, files=files)
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert desk.case(number)["status"] == "open"
    (facts,) = desk.happened(number, "evidence")
    assert (facts["came"], facts["missing"]) == (came, missing)
    assert sorted(facts["files"]) == sorted(name for name, _, _ in files)
    assert facts["asked"] == ["logs", "screenshot"]
    (moved,) = desk.happened(number, "status")
    assert (moved["from"], moved["to"]) == ("waiting", "open")
    assert desk.clocks(number)["next_response"]["done_at"] is None


def test_words_that_nobody_waited_for_are_no_evidence(desk: Desk) -> None:
    """The history tells of evidence only where it was asked for."""
    number = desk.opens()
    desk.reply(number)
    desk.answers(number, "Segue.", files=[("tela.png", "image/png", PNG)])
    assert not desk.happened(number, "evidence")


def test_a_second_question_does_not_forget_the_first(desk: Desk) -> None:
    """What was asked for and never came is missing until it comes, and asked for in
    the reminder too."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS, Topic.HEADERS, Topic.SCREENSHOT)
    desk.ask(number, Topic.LOGS)
    desk.answers(number, "Segue.", files=[("a.log", "text/plain", b"x")])
    (first,) = desk.happened(number, "evidence")
    assert first["asked"] == ["logs", "headers", "screenshot"]
    assert first["missing"] == ["headers", "screenshot"]
    desk.ask(number, text="E o resto?")
    desk.home.clock.move(days=4)
    assert desk.tick().reminded == 1
    reminder = words_of(desk.letters(number, "reminder")[0])
    assert "cabeçalho" in reminder
    assert "uma imagem da tela" in reminder
    desk.answers(number, HEADER, files=[("tela.png", "image/png", PNG)])
    desk.ask(number, Topic.STEPS)
    desk.answers(number, "Não sei.")
    assert [one["missing"] for one in desk.happened(number, "evidence")[1:]] == [
        [],
        ["steps"],
    ]


def test_what_is_missing_may_come_when_the_case_waits_no_more(desk: Desk) -> None:
    """A second mail brings the rest: the history says so, and it is missing no more."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS, Topic.SCREENSHOT)
    desk.answers(number, "Segue.", files=[("a.log", "text/plain", b"x")])
    desk.answers(number, "Obrigada.")
    desk.answers(number, "E a tela.", files=[("tela.png", "image/png", PNG)])
    desk.answers(number, "Outra.", files=[("tela2.png", "image/png", PNG)])
    facts = desk.happened(number, "evidence")
    assert [one["missing"] for one in facts] == [["screenshot"], []]


def test_two_mails_at_once_bring_what_they_bring_together(desk: Desk) -> None:
    """What the first of a batch brought is not missing after the second."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS, Topic.SCREENSHOT)
    files = [("a.log", "text/plain", b"x"), ("tela.png", "image/png", PNG)]
    ids = [desk.hands_in(number, "Segue.", files=[file]) for file in files]
    desk.home.process(*ids)
    facts = desk.happened(number, "evidence")
    assert facts[-1]["missing"] == []


def test_a_question_that_never_arrived_waits_for_nobody(desk: Desk) -> None:
    """The bounce wakes the case, the clock runs on, and the answer counts for none."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(hours=2)
    (letter,) = desk.letters(number, "info_request")
    bounce = (
        b"From: MAILER-DAEMON@mx.example\r\nTo: suporte@acme.example\r\n"
        b"Subject: Undelivered Mail Returned to Sender\r\n"
        b'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        b"MIME-Version: 1.0\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nno such user"
        b"\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        b"Reporting-MTA: dns; mx.example\r\n\r\n"
        b"Final-Recipient: rfc822; ana@example.com\r\nAction: failed\r\n"
        b"Status: 5.1.1\r\n\r\n--b\r\nContent-Type: text/rfc822-headers\r\n\r\n"
        b"Message-ID: " + letter["Message-ID"].encode() + b"\r\n\r\n--b--\r\n"
    )
    assert desk.home.mail(bounce, mail_from="")["outcome"] == "bounce_recorded"
    case = desk.case(number)
    assert (case["status"], case["waiting_since"]) == ("open", None)
    assert case["first_response_at"] is None
    clock = desk.clocks(number)["first_response"]
    assert clock["done_at"] is None
    assert clock["due_at"] is not None
    desk.home.clock.move(days=30)
    assert desk.tick().reminded == 0


def test_asking_again_counts_from_the_last_time(desk: Desk) -> None:
    """The second question starts the waiting anew."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(days=2)
    desk.ask(number, Topic.STEPS)
    desk.home.clock.move(days=2)
    assert desk.tick().reminded == 0
    desk.home.clock.move(days=1)
    assert desk.tick().reminded == 1
    assert "os passos até o problema" in words_of(desk.letters(number, "reminder")[0])


def test_nothing_can_be_asked_on_a_case_that_is_over(desk: Desk) -> None:
    """Refused with the way out, and nothing is written."""
    number = desk.opens()
    desk.resolve(number)
    before = len(desk.home.rows(schema.outbox))
    with pytest.raises(BadData, match="ticket reopen"):
        desk.ask(number, Topic.LOGS)
    assert len(desk.home.rows(schema.outbox)) == before
    assert desk.case(number)["status"] == "resolved"


def test_a_question_without_topic_and_words_is_none(desk: Desk) -> None:
    """Words alone are fine: not everything has a topic."""
    number = desk.opens()
    with pytest.raises(BadData, match="a topic"):
        desk.ask(number)
    desk.ask(number, text="Qual é a versão do programa?")
    (letter,) = desk.letters(number, "info_request")
    assert "Qual é a versão" in words_of(letter)
    assert "Gmail" not in words_of(letter)


def test_an_agent_can_take_up_what_waits(desk: Desk) -> None:
    """The customer called instead of writing: the case is open, the clock runs."""
    number = desk.opens()
    desk.ask(number, Topic.LOGS)
    desk.home.clock.move(hours=3)
    desk.reopen(number)
    case = desk.case(number)
    assert (case["status"], case["waiting_since"]) == ("open", None)
    desk.home.clock.move(days=30)
    assert desk.tick().reminded == 0


def test_no_internal_word_leaves_with_a_question(desk: Desk) -> None:
    """Notes stay inside, also when the next letter is pages long."""
    number = desk.opens()
    desk.note(number, "SEGREDO: cliente inadimplente")
    desk.ask(number, *Topic, text="Olá.")
    desk.home.clock.move(days=4)
    desk.tick()
    desk.home.clock.move(days=8)
    desk.tick()
    assert desk.case(number)["status"] == "closed"
    for row in desk.home.rows(schema.outbox):
        assert b"SEGREDO" not in row["content"]
        assert b"inadimplente" not in row["content"]
