"""Mail that is sent on: an agent's credits the customer, a customer's stays theirs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.config.settings import Agents, Listener, Rule
from chamado.daemon import casefile
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.casework import Desk
from tests.support.house import House, house, message

DOOR = Listener(listen="127.0.0.1:2525", trusted_authserv_ids=("mx.acme.example",))
SOURCE = "smtp:127.0.0.1:2525"
BIA = "Bia <bia@acme.example>"
WORDS = "No puedo entrar en el panel desde ayer, sale un error en la pantalla.\n"
FORWARD = (
    "Este não para de escrever, cuidado.\n\n---------- Forwarded message ---------\n"
    "From: José <jose@cliente.example>\nDate: qua., 25 de nov. de 2026\n"
    "Subject: Panel caído\nTo: <bia@acme.example>\n\n\n" + WORDS
)


def _from(
    sender: str, text: str = FORWARD, *, proven: bool = True, **how: str
) -> bytes:
    domain = sender.rpartition("@")[2].strip(">")
    head = f"Authentication-Results: mx.acme.example; dmarc=pass header.from={domain}"
    raw = message(text, sender=sender, subject="Fwd: Panel caído", **how)
    return (head.encode() + b"\r\n" if proven else b"") + raw


@pytest.fixture(params=[False, True], ids=["quiet", "acknowledging"])
def acking(request: pytest.FixtureRequest) -> bool:
    """Whether `[agents] ack_forwarded` is set."""
    return bool(request.param)


@pytest.fixture
def home(
    store: Store, pool: ParserPool, tmp_path: Path, acking: bool
) -> Iterator[House]:
    """A house whose door can tell who writes."""
    agents = Agents(ack_forwarded=acking)
    with house(store, pool, tmp_path, listener=(DOOR,), agents=agents) as built:
        yield built


def test_an_agent_s_forward_opens_the_customer_s_case(
    home: House, acking: bool
) -> None:
    """The customer is the requester and author, in the customer's own language."""
    fate = home.mail(_from(BIA), source=SOURCE)
    assert fate["outcome"] == "ticket_opened"
    assert fate["ack"] == ("queued" if acking else "suppressed:forwarded_by_agent")
    desk = Desk(home)
    with home.store.read() as work:
        case = casefile.read(work, fate["ticket"], "Acme")
    assert case is not None
    assert case["requester"] == {
        "name": "José",
        "address": "jose@cliente.example",
        "verified": False,
    }
    assert (case["subject"], case["channel"], case["language"]) == (
        "Panel caído",
        "email",
        "es",
    )
    said = {e["kind"]: e for e in case["entries"] if e["id"] > 0}
    assert said["inbound"]["text"] == WORDS
    assert said["inbound"]["author"]["address"] == "jose@cliente.example"
    assert said["inbound"]["auth"] == "none"
    assert said["inbound"]["flags"] == ["forwarded_by_agent", "unverified_sender"]
    assert not said["note"]["public"]
    assert said["note"]["text"].startswith("Este não para")
    assert "forwarded by Bia" in [e["text"] for e in case["entries"]]
    letters = desk.letters(fate["ticket"], "ack")
    assert [letter["To"] for letter in letters] == (
        ["jose@cliente.example"] if acking else []
    )
    for letter in letters:
        assert "In-Reply-To" not in letter
        assert "cuidado" not in letter.as_string()


@pytest.mark.parametrize("acking", [False], indirect=True)
def test_an_attached_message_credits_its_sender(home: House) -> None:
    """Its Message-ID and References lead nowhere, though they are known."""
    first = home.mail(_from("Rui <rui@other.example>", "Oi, tudo parado aqui."))
    attached = (
        "From: Agent <bia@acme.example>\r\nTo: suporte@acme.example\r\n"
        "Subject: Fwd: Panel\r\nMIME-Version: 1.0\r\n"
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n\r\n--b\r\n"
        "Content-Type: message/rfc822\r\n\r\nFrom: jose@cliente.example\r\n"
        "Subject: Panel\r\nMessage-ID: <m1@example.com>\r\n"
        "References: <m1@example.com>\r\n\r\n" + WORDS + "\r\n--b--\r\n"
    )
    head = "Authentication-Results: mx.acme.example; dmarc=pass\r\n"
    fate = home.mail((head + attached).encode(), source=SOURCE)
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != first["ticket"]
    people = {c["id"]: c["address"] for c in home.rows(schema.contact)}
    case = Desk(home).case(fate["ticket"])
    assert people[case["requester_id"]] == "jose@cliente.example"
    assert home.rows(schema.relation) == []
    seen = [row["message_id"] for row in home.rows(schema.message_index)]
    assert seen.count("m1@example.com") == 1


@pytest.mark.parametrize("acking", [False], indirect=True)
@pytest.mark.parametrize(
    ("sender", "proven"),
    [("Ana <ana@example.com>", True), (BIA, False)],
    ids=["customer", "unproven agent"],
)
def test_anybody_else_s_forward_stays_their_own(
    home: House, sender: str, proven: bool
) -> None:
    """A customer shows a mail; a stranger plays the agent: no one else is credited."""
    fate = home.mail(_from(sender, proven=proven), source=SOURCE)
    people = {c["id"]: c["address"] for c in home.rows(schema.contact)}
    case = Desk(home).case(fate["ticket"])
    assert people[case["requester_id"]] == sender.rpartition("<")[2].strip(">")
    (entry,) = Desk(home).entries(fate["ticket"])
    assert "Forwarded message" in entry["text"]
    assert Desk(home).happened(fate["ticket"], "forwarded") == []


@pytest.mark.parametrize("acking", [False], indirect=True)
def test_an_agent_cannot_credit_us(home: House) -> None:
    """A colleague's or our own mail sent on is the agent's mail."""
    text = FORWARD.replace("jose@cliente.example", "suporte@acme.example")
    fate = home.mail(_from(BIA, text), source=SOURCE)
    assert Desk(home).happened(fate["ticket"], "forwarded") == []


def test_rules_on_arrival_see_the_customer_of_a_forward(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """By address, subject and words of the original, whatever the agent says of it."""
    rules = (
        Rule(name="big", sender="*@cliente.example", tags=("grande",)),
        Rule(name="panel", subject="Panel *", team="panel"),
        Rule(name="agents", sender="*@acme.example", tags=("interno",)),
    )
    text = FORWARD.replace("Este não para", "URGENTE, este não para")
    with house(store, pool, tmp_path, listener=(DOOR,), rule=rules) as home:
        fate = home.mail(_from(BIA, text), source=SOURCE)
        case = Desk(home).case(fate["ticket"])
        assert (case["team"], case["severity"]) == ("panel", "normal")
        spoke = [reason.partition(":")[0] for reason in fate["why"]["triage"]]
        assert spoke == ["rule big", "rule panel"]
        assert fate["why"]["decision"] == (
            "bia@acme.example sent on what jose@cliente.example wrote"
        )


@pytest.mark.parametrize("acking", [False], indirect=True)
def test_a_forward_that_names_no_address_is_the_agent_s_case(home: House) -> None:
    """Outlook leaves addresses out in one company: nobody is guessed, all is kept."""
    text = (
        "Vejam.\n\nDe: José Silva\nEnviado: quarta-feira, 25 de novembro de 2026\n"
        "Para: Bia\nAssunto: Panel caído\n\n" + WORDS
    )
    fate = home.mail(_from(BIA, text), source=SOURCE)
    assert fate["outcome"] == "ticket_opened"
    people = {c["id"]: c["address"] for c in home.rows(schema.contact)}
    case = Desk(home).case(fate["ticket"])
    assert people[case["requester_id"]] == "bia@acme.example"
    (entry,) = Desk(home).entries(fate["ticket"])
    assert "José Silva" in entry["text"]
    assert WORDS.strip() in entry["text"]
    assert home.rows(schema.outbox) == []
