"""Getting into other people's cases: each way is tried with mail, end to end."""

import secrets
from collections.abc import Iterator
from email import message_from_bytes
from email.message import EmailMessage
from pathlib import Path

import pytest

from chamado.config.settings import Agent, Listener
from chamado.daemon import agents, casefile, metrics
from chamado.daemon.store import listings, schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.house import SUPPORT, House, house, message

SOURCE = "smtp:127.0.0.1:2525"
DOOR = Listener(trusted_authserv_ids=("mx.acme.example",))


def vouched(domain: str) -> bytes:
    """The border's word that the sender's domain is real."""
    return (
        b"Authentication-Results: mx.acme.example; dmarc=pass header.from="
        + domain.encode()
        + b"\r\n"
    )


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house behind a border that vouches for senders."""
    with house(store, pool, tmp_path, listener=(DOOR,)) as built:
        yield built


def _ana(home: House, text: str = "A tela fica azul.") -> int:
    fate = home.mail(vouched("example.com") + message(text), source=SOURCE)
    number: int = fate["ticket"]
    return number


def _said(home: House, number: int) -> str:
    with home.store.read() as work:
        case = casefile.read(work, number, "Acme")
    assert case is not None
    return "\n".join(entry["text"] for entry in case["entries"])


def _taking_part(home: House, number: int) -> set[str]:
    with home.store.read() as work:
        case = casefile.read(work, number, "Acme")
    assert case is not None
    return {person["address"] for person in case["participants"]}


def test_h02_a_notice_is_worth_nothing_in_another_agents_hands(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """H-02: a colleague, proven to be one, cannot act by the notice of another."""
    staff = (
        Agent(address="bia@acme.example", name="Bia"),
        Agent(address="caio@acme.example", name="Caio", teams=("sales",)),
    )
    with house(store, pool, tmp_path, listener=(DOOR,), agent=staff) as home:
        number = _ana(home)
        home.clock.move(seconds=61)
        with home.store.write() as work:
            agents.tell(work, home.desk, home.clock())
        (notice,) = [r for r in home.rows(schema.outbox) if r["kind"] == "notice"]
        assert notice["rcpt_to"] == "bia@acme.example"
        reply_to = str(message_from_bytes(notice["content"])["Reply-To"])
        rcpt = reply_to.rpartition("<")[2].strip(">")
        fate = home.mail(
            vouched("acme.example")
            + message(
                "#priority p1\nResponda para mim.",
                sender="caio@acme.example",
                message_id="<c1@acme.example>",
                In_Reply_To=f"<{notice['message_id']}>",
            ),
            mail_from="caio@acme.example",
            rcpt=rcpt,
            source=SOURCE,
        )
        assert fate["outcome"] == "ticket_opened"
        assert fate["ticket"] != number
        assert home.rows(schema.ticket)[0]["priority"] == "p3"
        kinds = {r["kind"] for r in home.rows(schema.outbox)}
        assert kinds == {"ack", "notice"}


def test_h09_an_address_in_copy_takes_no_part_and_is_shown(home: House) -> None:
    """H-09: a reply that adds somebody adds nobody; the agent sees who it was."""
    number = _ana(home)
    (letter,) = home.rows(schema.outbox)
    fate = home.mail(
        vouched("example.com")
        + message(
            "Copiei meu colega.",
            message_id="<m2@example.com>",
            In_Reply_To=f"<{letter['message_id']}>",
            Cc=f"Eve <attacker@evil.example>, {SUPPORT}",
        ),
        source=SOURCE,
    )
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert _taking_part(home, number) == {"ana@example.com"}
    assert "also written to attacker@evil.example, who take no part" in _said(
        home, number
    )
    assert {row["rcpt_to"] for row in home.rows(schema.outbox)} == {"ana@example.com"}


def test_h10_a_code_sent_to_our_address_reaches_no_customer(home: House) -> None:
    """H-10: what a service sends to an address that a stranger put in copy is a case of
    its own, joined to nothing and told to nobody outside."""
    bait = home.mail(
        vouched("evil.example")
        + message(
            "Preciso de ajuda.",
            sender="eve@evil.example",
            message_id="<e1@evil.example>",
            Cc="support@victim-saas.example",
        ),
        mail_from="eve@evil.example",
        source=SOURCE,
    )
    code = home.mail(
        vouched("victim-saas.example")
        + message(
            "Your verification code is 314159.",
            sender="Victim <support@victim-saas.example>",
            subject=f"Re: [#{bait['ticket']}] Tela azul",
            message_id="<v1@victim-saas.example>",
            In_Reply_To="<e1@evil.example>",
        ),
        mail_from="support@victim-saas.example",
        source=SOURCE,
    )
    assert code["outcome"] == "ticket_opened"
    assert code["ticket"] != bait["ticket"]
    assert _taking_part(home, code["ticket"]) == {"support@victim-saas.example"}
    assert "314159" not in _said(home, bait["ticket"])
    for row in home.rows(schema.outbox):
        assert b"314159" not in row["content"]


def test_h11_a_confirmation_to_a_made_up_plus_address_joins_nothing(
    home: House,
) -> None:
    """H-11: an unknown suffix leads to no case, and a no-reply gets no answer."""
    number = _ana(home)
    for n, rcpt in enumerate(("suporte+anything@", f"suporte+{number}@", "suporte+@")):
        fate = home.mail(
            vouched("slack.example")
            + message(
                f"Confirm your email address: {'abc'[n] * 9}",
                sender="noreply@slack.example",
                subject="Confirm your email address",
                message_id=f"<s{n}@slack.example>",
                to=f"{rcpt}acme.example",
            ),
            mail_from="noreply@slack.example",
            rcpt=f"{rcpt}acme.example",
            source=SOURCE,
        )
        assert fate["outcome"] == "ticket_opened"
        assert fate["ticket"] != number
        assert fate["ack"] == "suppressed:machine"
    assert "Confirm" not in _said(home, number)


def test_h13_guessed_reply_addresses_match_nothing_and_are_counted(
    home: House,
) -> None:
    """H-13: each guess is counted, joins no case, and soon the guesser is a loop."""
    number = _ana(home)
    (letter,) = home.rows(schema.outbox)
    reply_to = str(message_from_bytes(letter["content"])["Reply-To"])
    token = reply_to.rpartition("+")[2].partition("@")[0]
    before = metrics.BAD_TOKENS._value.get()
    fates = []
    for n in range(12):
        # The head names the case and the key; the MAC is guessed.
        guess = token[:-16] + "".join(
            secrets.choice("abcdefghijklmnopqrstuvwxyz234567") for _ in range(16)
        )
        fates.append(
            home.mail(
                vouched("evil.example")
                + message(
                    f"deixe-me entrar {n}",
                    sender="eve@evil.example",
                    message_id=f"<g{n}@evil.example>",
                ),
                mail_from="eve@evil.example",
                rcpt=f"suporte+{guess}@acme.example",
                source=SOURCE,
            )
        )
    assert number not in {fate["ticket"] for fate in fates}
    assert "deixe-me" not in _said(home, number)
    assert [fate["ack"] for fate in fates].count("queued") == 1
    assert "looks_like_a_loop" in fates[-1]["why"]["flags"]
    assert len({fate["ticket"] for fate in fates}) == 6
    assert metrics.BAD_TOKENS._value.get() - before == 12


def test_h14_a_number_in_the_subject_opens_a_related_case(home: House) -> None:
    """H-14: even an aligned stranger only gets a case of his own, with a link."""
    number = _ana(home)
    fate = home.mail(
        vouched("evil.example")
        + message(
            "E o meu?",
            sender="eve@evil.example",
            subject=f"Re: [#{number}] Tela azul",
            message_id="<e1@evil.example>",
        ),
        mail_from="eve@evil.example",
        source=SOURCE,
    )
    assert fate["outcome"] == "ticket_opened"
    (link,) = home.rows(schema.relation)
    assert (link["ticket"], link["other"], link["kind"]) == (
        fate["ticket"],
        number,
        "possibly_related",
    )


def test_h15_a_number_in_body_or_file_leads_nowhere(home: House) -> None:
    """H-15: neither words, nor a text file, nor a mail that is attached name a case."""
    number = _ana(home)
    inner = EmailMessage()
    inner["From"], inner["Subject"] = "x@example.com", f"[#{number}] Tela azul"
    inner.set_content(f"[#{number}]")
    made = EmailMessage()
    made["From"], made["To"], made["Subject"] = "eve@evil.example", SUPPORT, "oi"
    made.set_content(f"Sobre o [#{number}].")
    made.add_attachment(f"[#{number}]", filename=f"[#{number}].txt")
    made.add_attachment(inner)
    fate = home.mail(
        vouched("evil.example") + bytes(made).replace(b"\n", b"\r\n"),
        mail_from="eve@evil.example",
        source=SOURCE,
    )
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != number
    assert home.rows(schema.relation) == []


CONTROL = {
    "X-Chamado-Ticket": "1",
    "X-Chamado-Loop": "another-instance",
    "X-Zammad-Ticket-State": "closed",
    "X-Zammad-Ticket-Owner": "bia@acme.example",
    "X-RT-Ticket": "acme.example #1",
    "RT-Send-CC": "attacker@evil.example",
    "X-OTRS-Queue": "sales",
    "X-OTRS-Priority": "5",
    "Control": "close",
}


def test_h16_fields_that_steer_other_systems_steer_nothing(home: House) -> None:
    """H-16: the case is as it would be without them; the raw mail still has them."""
    number = _ana(home)
    raw = vouched("evil.example") + message(
        "oi",
        sender="eve@evil.example",
        message_id="<e1@evil.example>",
        **{name.replace("-", "_"): value for name, value in CONTROL.items()},
    )
    fate = home.mail(raw, mail_from="eve@evil.example", source=SOURCE)
    assert fate["outcome"] == "ticket_opened"
    first, second = home.rows(schema.ticket)
    assert first["number"] == number
    for column in ("status", "team", "priority", "assignee", "tags"):
        assert first[column] == second[column]
    assert home.rows(schema.relation) == []
    with home.store.read() as work:
        kept = listings.inbox_raw(work, fate["id"])
    assert kept is not None
    assert kept.content == raw


def test_h23_an_address_of_other_letters_is_another_person(home: House) -> None:
    """H-23: a Cyrillic letter joins no case, and agents are told how it is spelt."""
    number = _ana(home)
    (letter,) = home.rows(schema.outbox)
    raw = vouched("xn--xample-2of.com") + message(
        "Sou eu, a Ana.",
        message_id="<c1@example.com>",
        In_Reply_To=f"<{letter['message_id']}>",
    ).replace(b"Ana <ana@example.com>", "Ana <ana@еxample.com>".encode())
    fate = home.mail(raw, mail_from="ana@xn--xample-2of.com", source=SOURCE)
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != number
    home.clock.move(seconds=61)
    with home.store.write() as work:
        agents.tell(work, home.desk, home.clock())
    told = [r["content"] for r in home.rows(schema.outbox) if r["kind"] == "notice"]
    words = "".join(
        str(message_from_bytes(one).get_payload(0).get_payload(decode=True), "utf-8")
        for one in told
    )
    assert "careful: ana@xn--xample-2of.com" in words
