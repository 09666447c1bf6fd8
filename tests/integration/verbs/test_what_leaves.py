"""Whom a letter goes to and what is in it, with everything hostile that a mail can hold
on its way in."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from chamado.config.settings import Service
from chamado.daemon import casefile, merging
from chamado.daemon.core.types import Resolution
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.daemon.store.views import Filters, tickets
from chamado.parsers.pool import ParserPool
from tests.support.casework import ANA, BIA, Desk, words_of
from tests.support.house import SUPPORT, House, house, message

CARLOS = "carlos@example.org"


@pytest.fixture
def desk(home: House) -> Desk:
    """People in a house with the usual settings."""
    return Desk(home)


def _decoded(letter: EmailMessage) -> str:
    """Everything of a letter that anybody can read: fields and both bodies."""
    parts = [
        str(part.get_content())
        for part in letter.walk()
        if part.get_content_maintype() == "text"
    ]
    return "\n".join([*(f"{n}: {v}" for n, v in letter.items()), *parts])


def _everything(desk: Desk) -> str:
    return "\n".join(
        _decoded(email.message_from_bytes(row["content"], policy=email.policy.default))  # type: ignore[arg-type]  # typeshed
        for row in desk.home.rows(schema.outbox)
    )


def _together(desk: Desk) -> int:
    """A case of two customers, merged by somebody who confirmed it."""
    first = desk.opens("A tela da Ana fica azul.")
    desk.note(first, "SEGREDO-17 sobre a Ana")
    desk.reply(first, "Palavras só para a Ana.")
    second = desk.opens(
        "A tela do Carlos também fica.",
        sender=f"Carlos <{CARLOS}>",
        subject="Tela do Carlos",
    )
    home = desk.home
    with home.store.write() as work:
        merging.merge(
            work,
            home.desk,
            second,
            first,
            who=BIA.address,
            confirm=True,
            now=home.clock(),
        )
    return first


def test_o01_hostile_name_and_subject_leave_as_one_line_each(desk: Desk) -> None:
    """O-01: a name and a subject with line ends make letters with one recipient."""
    raw = message(message_id="<o1@example.com>").replace(
        b"From: Ana <ana@example.com>",
        b"From: =?utf-8?Q?a=0D=0ABcc:_evil=40x=E2=80=A8y=C2=85z=0B?= <ana@example.com>",
    )
    raw = raw.replace(
        b"Subject: Tela azul",
        b"Subject: =?utf-8?Q?hi=0D=0ABcc:_e=40x=E2=80=A8=ED=B0=80?=",
    )
    number = desk.home.mail(raw)["ticket"]
    desk.reply(number)
    desk.resolve(number, Resolution.ANSWERED)
    desk.home.deliver()
    assert set(desk.home.letters()) == {"sent"}
    for letter in desk.letters(number):
        assert letter["Bcc"] is None
        assert len(letter["To"].addresses) == 1
        head = letter.as_bytes().replace(b"\r\n", b"\n").split(b"\n\n")[0]
        assert b"\nBcc" not in head


def test_o08_code_of_templates_in_a_mail_is_only_text(desk: Desk) -> None:
    """O-08: the subject appears in the answer as it was written."""
    subject = "{{7*7}} ${7*7} #{7*7} %(x)s {0.__class__}"
    number = desk.opens("{{ config }}", subject=subject)
    desk.reply(number, "{{ 6*7 }} {% for x in y %}")
    (letter,) = desk.letters(number, "reply")
    assert subject in letter["Subject"]
    assert "{{ 6*7 }} {% for x in y %}" in words_of(letter)


def test_o09_a_broken_template_costs_neither_case_nor_acknowledgement(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """O-09: the case is there, and the letter is worded by us."""
    body = tmp_path / "templates/pt-BR/ack/body.txt"
    body.parent.mkdir(parents=True)
    body.write_text("{% for x in range(10**9) %}{{ nome }}{% endfor %}")
    service = Service(
        name="Acme Suporte",
        domain="acme.example",
        data_dir=tmp_path / "data",
        templates=tmp_path / "templates",
    )
    with house(store, pool, tmp_path, service=service) as home:
        desk = Desk(home)
        number = desk.opens()
        (ack,) = desk.letters(number)
    assert f"abrimos o chamado #{number}" in words_of(ack)


def test_o16_two_hundred_in_copy_get_nothing(desk: Desk) -> None:
    """O-16: an answer goes to who takes part, never to To and Cc of the mail."""
    crowd = ", ".join(f"p{n}@example.org" for n in range(200))
    number = desk.opens("oi", to=f"{SUPPORT}, chefe@example.com", Cc=crowd)
    desk.reply(number)
    desk.resolve(number, Resolution.ANSWERED)
    rows = desk.home.rows(schema.outbox)
    assert {row["rcpt_to"] for row in rows} == {ANA}
    for letter in desk.letters(number):
        assert letter["Cc"] is None
        assert [a.addr_spec for a in letter["To"].addresses] == [ANA]
    assert "example.org" not in _everything(desk)


def test_r01_a_bcc_field_is_kept_and_never_repeated(desk: Desk) -> None:
    """R-01: it joins nobody, and neither letters nor the case's page show it."""
    number = desk.opens("oi", Bcc="chefe@example.com")
    desk.reply(number)
    desk.resolve(number, Resolution.ANSWERED)
    assert "chefe@" not in _everything(desk)
    with desk.home.store.read() as work:
        assert "chefe@" not in str(casefile.read(work, number, "Acme"))


def test_r04_a_letter_quotes_nothing_its_reader_was_not_part_of(desk: Desk) -> None:
    """R-04: words to one customer and notes reach no other one by being quoted."""
    number = _together(desk)
    desk.reply(number, "Palavras para os dois.")
    to_carlos = desk.letters(number, "reply", to=CARLOS)
    assert len(to_carlos) == 1
    said = _decoded(to_carlos[0])
    assert "Palavras para os dois." in said
    for secret in ("SEGREDO-17", "só para a Ana", "A tela da Ana", "do Carlos também"):
        assert secret not in said
    assert "SEGREDO-17" not in _everything(desk)


def test_r06_customers_of_one_case_do_not_see_each_others_addresses(
    desk: Desk,
) -> None:
    """R-06: one letter each, its fields and reply address bound to its reader."""
    number = _together(desk)
    desk.reply(number, "Palavras para os dois.")
    desk.resolve(number, Resolution.ANSWERED)
    for me, other in ((ANA, "carlos"), (CARLOS, "ana@")):
        mine = desk.letters(number, to=me)
        assert {"reply", "resolved"} <= {
            str(letter["Message-ID"]).strip("<").partition(".")[0] for letter in mine
        }
        for letter in mine:
            assert other not in _decoded(letter).lower().replace("tela do carlos", "")


def test_r07_the_answer_to_a_forger_tells_nothing_of_the_case_he_named(
    desk: Desk,
) -> None:
    """R-07: neither its number, its subject nor whose it is."""
    number = desk.opens("Fatura 4711 da ACME", subject="Fatura 4711 da ACME")
    fate = desk.home.mail(
        message(
            "o que há com isso?",
            sender="eve@evil.example",
            subject=f"Re: [#{number}]",
            message_id="<e1@evil.example>",
            In_Reply_To="<c1@example.com>",
        ),
        mail_from="eve@evil.example",
    )
    assert fate["ticket"] != number
    (answer,) = desk.letters(fate["ticket"])
    said = _decoded(answer)
    for secret in (f"#{number} ", f"[#{number}]", "4711", "ACME", ANA):
        assert secret not in said


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("100%", True),
        ("%' OR 1=1 --", False),
        ("_%", False),
        ("\\", False),
        ('"NEAR(', False),
        ("'; DROP TABLE ticket; --", False),
        ("TELA_AZUL", True),
        ("C:\\temp", False),
    ],
)
def test_d02_a_search_takes_every_character_as_it_is(
    desk: Desk, words: str, found: bool
) -> None:
    """D-02: wildcards, quotes and operators of databases mean themselves."""
    number = desk.opens("Parou em 100% na tela_azul.", subject="Instalação")
    desk.home.clock.move(hours=2)
    desk.opens("Outra coisa, 100 vezes, tela-azul.", subject="Outra")
    with desk.home.store.read() as work:
        rows = tickets(work, Filters(search=words), 10)
    assert [row["number"] for row in rows] == ([number] if found else [])
