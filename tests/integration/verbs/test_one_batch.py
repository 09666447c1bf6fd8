"""What an agent and a customer write at the same time happens in its order."""

from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from chamado.config.address import Address
from chamado.config.settings import Agent, Listener
from chamado.daemon import actions, agents, merging
from chamado.daemon.enclosed import Files
from chamado.daemon.filing import file_batch
from chamado.daemon.item import Item, item_of
from chamado.daemon.process import waves
from chamado.daemon.store import claims, schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from chamado.parsers.understand import understand
from tests.support import promises as day
from tests.support.casework import parsed
from tests.support.house import House, house, message

BIA, DAVI = "bia@acme.example", "davi@acme.example"
CAIO = Address(name="Caio", address="caio@example.org")
SOURCE = "smtp:127.0.0.1:2525"
DOOR = Listener(trusted_authserv_ids=("mx.acme.example",))


@pytest.fixture
def home(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house behind a border that vouches for senders, with a specialist."""
    team = (
        Agent(address=BIA, name="Bia"),
        Agent(address=DAVI, name="Davi", specialties=("database",)),
    )
    with house(store, pool, tmp_path, listener=(DOOR,), agent=team) as built:
        yield built


def vouched(raw: bytes) -> bytes:
    """The same mail with the border's word that the sender's domain is real."""
    domain = str(parsed(raw)["From"]).rpartition("@")[2].strip(">")
    head = f"Authentication-Results: mx.acme.example; dmarc=pass header.from={domain}"
    return head.encode() + b"\r\n" + raw


def letters(home: House, kind: str) -> list[EmailMessage]:
    """All letters of a kind, oldest first."""
    rows = [row for row in home.rows(schema.outbox) if row["kind"] == kind]
    return [parsed(row["content"]) for row in rows]


def _case(home: House, **how: str) -> tuple[int, EmailMessage]:
    """A customer's case, and the notice that Bia got of it."""
    fate = home.mail(vouched(message(**how)), source=SOURCE)
    home.clock.move(seconds=61)
    with home.store.write() as work:
        agents.tell(work, home.desk, home.clock())
    to_bia = [n for n in letters(home, "notice") if BIA in str(n["To"])]
    return fate["ticket"], to_bia[-1]


def _answer(home: House, letter: EmailMessage, text: str, by: Address = day.ANA) -> int:
    """Somebody answers a letter of ours; return the id in the inbox."""
    raw = message(
        text,
        sender=f"{by.name} <{by.address}>",
        message_id=f"<9{by.address}>",
        subject=f"Re: {letter['Subject']}",
        In_Reply_To=str(letter["Message-ID"]),
    )
    to = str(letter["Reply-To"].addresses[0].addr_spec)
    return home.take(vouched(raw), source=SOURCE, mail_from=by.address, rcpt=to)


def _at_once(home: House, *ids: int) -> None:
    """File mails that were all understood before the first of them was written."""
    with home.store.read() as work:
        rows = sorted(claims.by_ids(work, ids), key=lambda row: row.id)
    items: list[Item] = []
    for row in rows:
        trusted = home.desk.trusted(row.source)
        read = understand(row.raw or b"", row.envelope, home.desk.own, trusted)
        items.append(item_of(row, read, home.desk, rung=0))
    for wave in waves(items, home.desk.policy.agents):
        with home.store.write() as work:
            file_batch(work, wave, home.desk)


def _asked(home: House, number: int) -> EmailMessage:
    home.deliver()
    day.asked(home, number)
    return letters(home, "info_request")[-1]


def test_a_word_then_an_escalation_leave_the_case_with_the_specialist(
    home: House,
) -> None:
    """What the agent wanted came last, and is what stays."""
    number, notice = _case(home)
    asked = _asked(home, number)
    _at_once(
        home,
        _answer(home, asked, "Aqui está: a tela 17 trava."),
        _answer(home, notice, "#escalate database\n", day.BIA),
    )
    case = day.ticket(home, number)
    assert (case["status"], case["specialty"]) == ("escalated", "database")


def test_a_word_then_a_resolution_leave_the_case_resolved(home: House) -> None:
    """The letter that says so is queued, so the case must say so too."""
    number, notice = _case(home)
    asked = _asked(home, number)
    _at_once(
        home,
        _answer(home, asked, "Aqui está: a tela 17 trava."),
        _answer(home, notice, "#resolve answered\n", day.BIA),
    )
    assert day.ticket(home, number)["status"] == "resolved"
    assert letters(home, "resolved")


def test_a_resolution_then_a_word_leave_the_case_open(home: House) -> None:
    """Who writes after the end has not been helped."""
    number, notice = _case(home)
    with home.store.write() as work:
        now = home.clock()
        actions.reply(work, home.desk, number, day.BIA, "Olhamos.", Files(), now=now)
    (reply,) = letters(home, "reply")
    _at_once(
        home,
        _answer(home, notice, "#resolve answered\n", day.BIA),
        _answer(home, reply, "Continua travando, e agora?"),
    )
    assert day.ticket(home, number)["status"] == "open"


def test_a_word_that_a_merge_leads_to_the_case_counts_too(home: House) -> None:
    """Her letter names the old number, his notice the one that it was merged into."""
    number, notice = _case(home)
    old, _ = _case(home, subject="Outra tela", message_id="<m2@example.com>")
    (*_, ack) = letters(home, "ack")
    with home.store.write() as work:
        merging.merge(
            work, home.desk, old, number, who=BIA, confirm=False, now=home.clock()
        )
    _asked(home, number)
    _at_once(
        home,
        _answer(home, ack, "Aqui está: a tela 17 trava."),
        _answer(home, notice, "#escalate database\n", day.BIA),
    )
    case = day.ticket(home, number)
    assert (case["status"], case["specialty"]) == ("escalated", "database")


def test_two_people_who_answer_at_once_reopen_a_case_once(home: House) -> None:
    """Both name the case, and the second one finds it open."""
    number, _ = _case(home)
    other = day.opened(home, by=CAIO)
    with home.store.write() as work:
        merging.merge(
            work, home.desk, other, number, who=BIA, confirm=True, now=home.clock()
        )
    day.resolved(home, number)
    to_each = {str(each["To"]): each for each in letters(home, "resolved")}
    assert len(to_each) == 2
    _at_once(
        home,
        *(
            _answer(home, each, "Continua travando, e agora?", by)
            for by in (day.ANA, CAIO)
            for to, each in to_each.items()
            if by.address in to
        ),
    )
    kinds = [event["kind"] for event in home.rows(schema.event)]
    assert kinds.count("reopened") == 1
