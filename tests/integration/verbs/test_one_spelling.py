"""However an address is spelt it is one person: for caps, identity and what is owed."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from chamado.config.address import Address
from chamado.config.settings import Agent, Listener, Rule, SupportAddress
from chamado.daemon import actions, agents, casefile, lost
from chamado.daemon.core.types import Channel
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData
from chamado.daemon.store import schema, views
from chamado.daemon.store.engine import Store
from chamado.notifier.types import Fate, Outcome
from chamado.parsers.pool import ParserPool
from tests.support.house import SUPPORT, House, house

WIDE = str.maketrans({chr(c): chr(c + 0xFEE0) for c in range(ord("a"), ord("z") + 1)})
SOURCE = "smtp:127.0.0.1:2525"
DOOR = Listener(trusted_authserv_ids=("mx.acme.example",))
BIA = Address(name="Bia", address="bia@acme.example")


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house whose files vouch for nobody and whose listener's border does."""
    with house(store, pool, tmp_path, listener=(DOOR,)) as built:
        yield built


def _mail(n: int, sender: str, *, border: str = "", **headers: str) -> bytes:
    # No library writes such addresses, which is why the head is written by hand.
    head = [
        *([f"Authentication-Results: mx.acme.example; {border}"] if border else []),
        f"From: Ana <{sender}>",
        f"To: {SUPPORT}",
        f"Subject: Tela {n}",
        f"Message-ID: <i{n}@x.example>",
        "Content-Type: text/plain; charset=utf-8",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    body = f"A tela {n} fica azul, e depois {chr(97 + n % 26) * 40}."
    return "\r\n".join((*head, "", body, "")).encode()


def _spellings(count: int) -> list[str]:
    wide = "example.com"
    found = []
    for n in range(count):
        letters = (
            c.translate(WIDE) if n >> (at % 6) & 1 and at < 7 else c
            for at, c in enumerate(wide)
        )
        found.append("ana@" + "".join(letters))
    return found


def _acks(home: House) -> list[str]:
    return [row["rcpt_to"] for row in home.rows(schema.outbox) if row["kind"] == "ack"]


def test_sixty_spellings_of_a_bystander_are_one_address(home: House) -> None:
    """Full-width letters get past no cap: one acknowledgement within the pause."""
    ids = [
        home.take(_mail(n, sender), mail_from="x@y.example")
        for n, sender in enumerate(_spellings(60))
    ]
    home.process(*ids)
    assert _acks(home) == ["ana@example.com"]
    assert {row["from_address"] for row in home.rows(schema.inbox)} == {
        "ana@example.com"
    }
    assert [row["address"] for row in home.rows(schema.contact)] == ["ana@example.com"]


def test_the_domain_s_cap_counts_all_its_spellings(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """Many people of one domain, each time spelt anew, in one batch and in the next."""
    with house(store, pool, tmp_path) as home:
        cap = home.settings.ack.per_domain_hour
        senders = [
            f"p{n}{address[3:]}" for n, address in enumerate(_spellings(cap + 4))
        ]
        ids = [
            home.take(_mail(n, sender), mail_from="x@y.example")
            for n, sender in enumerate(senders)
        ]
        home.process(*ids)
        assert len(_acks(home)) == cap
        fate = home.mail(_mail(99, "new@éxample.com"), mail_from="x@y.example")
        assert fate["ack"] == "queued"
        fate = home.mail(_mail(98, "new@examplｅ.com"), mail_from="x@y.example")
        assert fate["ack"] == "suppressed:domain_hour_cap"


@pytest.mark.parametrize("who", ["suporte@ａcme.example", "bia@acme．example"])
def test_we_and_our_agents_are_known_however_spelt(home: House, who: str) -> None:
    """From an address of our own nobody is acknowledged, least of all we."""
    fate = home.mail(_mail(1, who), mail_from="x@y.example")
    assert fate["ack"].startswith("suppressed:")
    assert _acks(home) == []


def test_an_address_with_an_accent_joins_its_case_and_is_owed_an_answer(
    home: House,
) -> None:
    """A foreign domain is one person to threading, and to what the relay refuses."""
    border = "dmarc=pass header.from=xn--ao-siap.example"
    sender = "Ana@ação.example"
    first = home.mail(_mail(1, sender, border=border), source=SOURCE)
    (ack,) = [row for row in home.rows(schema.outbox) if row["kind"] == "ack"]
    assert ack["rcpt_to"] == "ana@xn--ao-siap.example"
    again = _mail(
        2,
        "ana@xn--ao-siap.example",
        border="dmarc=pass header.from=xn--ao-siap.example",
        In_Reply_To=f"<{ack['message_id']}>",
    )
    fate = home.mail(again, source=SOURCE)
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", first["ticket"])
    assert fate["why"]["flags"] == []
    home.deliver()
    home.clock.move(minutes=1)
    with home.store.write() as work:
        number, now = first["ticket"], home.clock()
        actions.reply(work, home.desk, number, BIA, "Olhamos.", Files(), now=now)
    home.relay.answers = [Outcome(fate=Fate.REFUSED, reply="550 no such user")]
    home.deliver()
    with home.store.write() as work:
        lost.take_back(work, home.desk.promises, home.clock())
    assert "answer_lost" in [event["kind"] for event in home.rows(schema.event)]


def test_a_look_alike_is_shown_with_its_spelling_though_kept_in_ascii(
    home: House,
) -> None:
    """H-23: agents read the letters and the warning, whichever way the mail wrote."""
    for n, sender in enumerate(("ana@еxample.com", "ana@xn--xample-2of.com")):
        home.mail(_mail(n, sender), mail_from="x@y.example")
    home.clock.move(seconds=61)
    with home.store.write() as work:
        agents.tell(work, home.desk, home.clock())
    told = [
        message_from_bytes(row["content"], policy=policy.default)
        for row in home.rows(schema.outbox)
        if row["kind"] == "notice"
    ]
    texts = [one.get_body(("plain",)).get_content() for one in told]
    assert len(texts) == 2
    for text in texts:
        assert "ana@еxample.com" in text
        assert "careful: ana@xn--xample-2of.com" in text


@pytest.mark.parametrize("who", ["josé@example.com", "ana@[192.0.2.7]", "a@☃.example"])
def test_an_address_no_letter_can_go_to_is_no_sender(home: House, who: str) -> None:
    """It is filed and not acknowledged, `why` says so, and it vouches for nobody."""
    border = "dmarc=pass header.from=example.com"
    fate = home.mail(_mail(1, who, border=border), source=SOURCE)
    assert (fate["outcome"], fate["ack"]) == (
        "ticket_opened",
        "suppressed:address_unusable",
    )
    assert fate["from_address"] is None
    assert who in fate["why"]["decision"]
    (entry,) = [row for row in home.rows(schema.entry) if row["kind"] == "inbound"]
    assert (entry["author_address"], entry["auth"]) == (who, "none")
    assert [row["verified"] for row in home.rows(schema.contact)] == [False]


def test_two_whose_addresses_are_unusable_are_not_one_person(home: House) -> None:
    """Nobody joins a case because he, like its requester, has no address."""
    first = home.mail(_mail(1, "josé@example.com"), mail_from="x@y.example")
    second = home.mail(
        _mail(2, "maría@evil.example", In_Reply_To="<i1@x.example>"),
        mail_from="x@y.example",
    )
    assert second["outcome"] == "ticket_opened"
    assert second["ticket"] != first["ticket"]


def test_what_an_agent_sends_on_is_one_customer_however_spelt(home: House) -> None:
    """The customer of a forward and the one who writes by himself are the same."""
    sent_on = (
        "Authentication-Results: mx.acme.example; dmarc=pass header.from=acme.example"
        f"\r\nFrom: Bia <bia@acme.example>\r\nTo: {SUPPORT}\r\nSubject: Fwd: Tela\r\n"
        "Message-ID: <f1@acme.example>\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n\r\n"
        "---------- Forwarded message ---------\r\nFrom: Ana <Ana@ação.example>\r\n"
        f"Date: Wed, 25 Nov 2026 10:00:00 +0000\r\nSubject: Tela\r\nTo: <{BIA.address}>"
        "\r\n\r\nA tela fica azul.\r\n"
    )
    fate = home.mail(sent_on.encode(), source=SOURCE, mail_from=BIA.address)
    assert "forwarded_by_agent" in fate["why"]["flags"]
    home.mail(_mail(1, "ana@xn--ao-siap.example"), mail_from="x@y.example")
    assert [row["address"] for row in home.rows(schema.contact)] == [
        "ana@xn--ao-siap.example"
    ]


@pytest.mark.parametrize("words", ["Ana@ação.example", "AÇÃO.example", "xn--ao-siap"])
def test_a_search_finds_an_address_by_its_letters(home: House, words: str) -> None:
    """What is kept in A-labels is found by what people read."""
    number = home.mail(_mail(1, "ana@ação.example"), mail_from="x@y.example")["ticket"]
    home.mail(_mail(2, "rui@acao.example"), mail_from="x@y.example")
    with home.store.read() as work:
        found = casefile.listing(work, views.Filters(search=words), 9)
    assert [case["number"] for case in found] == [number]


def test_a_case_taken_down_by_hand_has_the_one_spelling_too(home: House) -> None:
    """Whoever phoned and then writes is one contact; an unusable address is refused."""
    new = actions.NewCase(
        requester=Address(name="Ana", address="Ana@AÇÃO.example"),
        subject="Tela",
        text="Fica azul.",
        channel=Channel.PHONE,
        received_at=home.clock(),
    )
    with home.store.write() as work:
        actions.open_case(work, home.desk, new, Files(), who="", now=home.clock())
    home.mail(_mail(1, "ana@ação.example"), mail_from="x@y.example")
    assert [row["address"] for row in home.rows(schema.contact)] == [
        "ana@xn--ao-siap.example"
    ]
    with home.store.write() as work, pytest.raises(BadData, match="SMTPUTF8"):
        actions.open_case(
            work,
            home.desk,
            actions.NewCase(
                requester=Address(address="josé@example.com"),
                subject="Tela",
                text="",
                channel=Channel.PHONE,
                received_at=home.clock(),
            ),
            Files(),
            who="",
            now=home.clock(),
        )


@pytest.mark.parametrize("pattern", ["*@ação.example", "*@xn--ao-siap.example"])
@pytest.mark.parametrize("who", ["Ana@AÇÃO.example", "ana@xn--ao-siap.example"])
def test_a_rule_fits_a_sender_in_either_spelling(
    store: Store, pool: ParserPool, tmp_path: Path, pattern: str, who: str
) -> None:
    """Operators write a domain as they read it or as DNS has it."""
    rule = (Rule(name="vip", sender=pattern, tags=("vip",)),)
    with house(store, pool, tmp_path, rule=rule) as home:
        home.mail(_mail(1, who), mail_from="x@y.example")
        assert [row["tags"] for row in home.rows(schema.ticket)] == [["vip"]]


def test_a_rule_fits_a_sender_no_letter_can_go_to(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """A device that writes from a bare IP address can be kept out by its address."""
    rule = (Rule(name="printer", sender="root@*192.0.2.7]", suppress=True),)
    with house(store, pool, tmp_path, rule=rule) as home:
        fate = home.mail(_mail(1, "root@[192.0.2.7]"), mail_from="x@y.example")
        assert fate["outcome"] == "suppressed"


@pytest.mark.parametrize("to", ["ajuda@ação.example", "ajuda@xn--ao-siap.example"])
def test_a_support_address_of_letters_is_found_however_written(
    store: Store, pool: ParserPool, tmp_path: Path, to: str
) -> None:
    """Its team, its rules and whether we are named do not hang on the spelling."""
    ours = (
        SupportAddress(address=SUPPORT),
        SupportAddress(address="ajuda@ação.example", team="help"),
    )
    rule = (Rule(name="r", recipient="ajuda@ação.*", tags=("ours",)),)
    with house(store, pool, tmp_path, address=ours, rule=rule) as home:
        raw = _mail(1, "ana@example.com").replace(SUPPORT.encode(), to.encode())
        fate = home.mail(raw, rcpt=to)
        assert fate["ack"] == "queued"
        (ticket,) = home.rows(schema.ticket)
        assert (ticket["team"], ticket["tags"]) == ("help", ["ours"])


def test_a_desk_with_a_foreign_name_of_its_own(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """An agent configured with letters is that agent in A-labels."""
    team = (Agent(address="bia@ação.example", name="Bia"),)
    with house(store, pool, tmp_path, agent=team) as home:
        fate = home.mail(_mail(1, "bia@xn--ao-siap.example"), mail_from="x@y.example")
        assert fate["ack"] == "suppressed:own_address"
        assert actions.agent_of(home.desk, "Bia@ação.example").name == "Bia"
