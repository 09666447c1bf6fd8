"""Rules on arrival, from the door to the case: they judge, they explain, they block."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.config.address import Address
from chamado.config.settings import Agent, Priorities, Rule, SupportAddress
from chamado.daemon import actions
from chamado.daemon.core.types import Channel, Resolution, Severity
from chamado.daemon.enclosed import Files
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.casework import BIA, Desk
from tests.support.house import SUPPORT, House, house, message

RULES = (
    Rule(name="newsletters", sender="*@news.example", suppress=True),
    Rule(
        name="billing",
        subject="*fatura*",
        team="billing",
        tags=("fatura",),
        assignee="caio@acme.example",
    ),
    Rule(name="probe", header="X-Probe: *", kind="*", priority="p4", tags=("probe",)),
    Rule(name="large", larger_than=200_000, tags=("large",)),
    Rule(name="robots", kind="auto_reply", severity="low"),
)


@pytest.fixture
def desk(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[Desk]:
    """A house with rules and an address for important customers."""
    changes = {
        "rule": RULES,
        "address": (
            SupportAddress(address=SUPPORT, subaddress=True),
            SupportAddress(
                address="vip@acme.example", severity="high", impact="high", team="vip"
            ),
        ),
        "agent": (
            Agent(address=BIA.address, name="Bia"),
            Agent(address="caio@acme.example", name="Caio"),
        ),
    }
    with house(store, pool, tmp_path, **changes) as home:
        yield Desk(home)


def test_words_and_addresses_make_the_priority(desk: Desk) -> None:
    """The word in the subject, and the address that was written to."""
    urgent = desk.case(desk.opens(subject="URGENTE: não entra"))
    assert (urgent["severity"], urgent["priority"]) == ("high", "p2")
    fate = desk.home.mail(
        message(to="vip@acme.example", message_id="<v@example.com>"),
        rcpt="vip@acme.example",
    )
    vip = desk.case(fate["ticket"])
    assert (vip["severity"], vip["impact"], vip["priority"]) == ("high", "high", "p1")


def test_a_case_by_phone_has_the_severity_of_its_address(desk: Desk) -> None:
    """Unless whoever takes it down says otherwise."""
    home, opened = desk.home, []
    for severity in (None, Severity.LOW):
        new = actions.NewCase(
            requester=Address(address="ana@example.com"),
            subject="Não abre",
            text="Ligou às nove.",
            channel=Channel.PHONE,
            received_at=home.clock(),
            to="vip@acme.example",
            severity=severity,
        )
        with home.store.write() as work:
            done = actions.open_case(
                work, home.desk, new, Files(), who="cli:bia", now=home.clock()
            )
        opened.append(desk.case(done.number))
    assert [c["severity"] for c in opened] == ["high", "low"]
    assert [c["priority"] for c in opened] == ["p1", "p3"]


def test_a_rule_sets_team_tags_and_owner_and_is_remembered(desk: Desk) -> None:
    """The case has them, the ledger says why, and so does the history."""
    number = desk.opens(subject="Minha FATURA veio em dobro")
    case = desk.case(number)
    assert (case["team"], case["tags"], case["assignee"]) == (
        "billing",
        ["fatura"],
        "caio@acme.example",
    )
    (row,) = desk.home.rows(schema.inbox)
    assert row["why"]["triage"] == [
        "rule billing: team billing, assignee caio@acme.example, tag fatura"
    ]
    (opened,) = desk.happened(number, "opened")
    assert opened["triage"] == row["why"]["triage"]
    # The other team's case still answers at the address that it came in by.
    assert desk.answers(number, "Segue a fatura.")["ticket"] == number


def test_rules_see_headers_size_and_kind(desk: Desk) -> None:
    """Each condition on real mail."""
    probe = desk.home.mail(message(message_id="<p@x.example>", X_Probe="42"))
    case = desk.case(probe["ticket"])
    assert (case["priority"], case["tags"]) == ("p4", ["probe"])
    large = desk.home.mail(message("x" * 250_000, message_id="<l@x.example>"))
    assert desk.case(large["ticket"])["tags"] == ["large"]
    robot = desk.home.mail(
        message(message_id="<r@x.example>", Auto_Submitted="auto-generated")
    )
    assert desk.case(robot["ticket"])["severity"] == "low"


def test_a_blocked_sender_opens_no_case_and_gets_no_answer(desk: Desk) -> None:
    """Filed in the inbox with its bytes and the rule's name, and that is all."""
    raw = message("Compre já", sender="promo@news.example", message_id="<n@news>")
    fate = desk.home.mail(raw, mail_from="promo@news.example")
    assert (fate["state"], fate["outcome"], fate["ticket"], fate["ack"]) == (
        "done",
        "suppressed",
        None,
        None,
    )
    assert fate["raw"] == raw
    assert "newsletters" in fate["why"]["decision"]
    assert fate["why"]["triage"] == ["rule newsletters: no case"]
    assert desk.home.rows(schema.ticket) == []
    assert desk.home.rows(schema.outbox) == []
    assert desk.home.rows(schema.entry) == []
    assert desk.home.ledger() == {("done", "suppressed"): 1}


def test_a_blocked_mail_that_comes_twice_is_a_duplicate(desk: Desk) -> None:
    """The ledger tells copies apart from what a rule kept out."""
    raw = message("Compre já", sender="promo@news.example", message_id="<n@news>")
    desk.home.mail(raw, key="one")
    assert desk.home.mail(raw, key="two")["outcome"] == "duplicate"


def test_a_block_list_swallows_no_answer_to_us(desk: Desk) -> None:
    """Whom we write to may answer, by our own mark, as long as the case lives."""
    number = desk.opens()
    with desk.home.store.write() as work:
        work.execute(
            schema.contact.update().values(address="ana@news.example", name="Ana")
        )
    desk.reply(number)
    fate = desk.answers(number, "Obrigada, e agora?", by="ana@news.example")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    # Without our mark the list counts, whatever the subject says.
    stray = message(
        "Mais uma coisa",
        sender="ana@news.example",
        subject=f"Re: [#{number}]",
        message_id="<s@news.example>",
    )
    assert desk.home.mail(stray)["outcome"] == "suppressed"
    desk.resolve(number, Resolution.SPAM)
    desk.home.clock.move(days=15)
    desk.tick()
    assert desk.case(number)["status"] == "closed"
    late = desk.answers(number, "Alô?", by="ana@news.example")
    assert late["outcome"] == "suppressed"


def test_rules_do_not_change_a_case_that_is_there(desk: Desk) -> None:
    """Triage is for arrivals: a reply with a magic word moves nothing."""
    number = desk.opens()
    desk.answers(number, "fatura URGENTE fora do ar", X_Probe="1")
    case = desk.case(number)
    assert (case["severity"], case["team"], case["tags"]) == ("normal", "support", [])


def test_the_operators_matrix_is_used_everywhere(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """For mail as for a case that an agent opens or changes."""
    flat = Priorities(normal=("p1", "p1", "p1"), high=("p4", "p4", "p4"))
    with house(store, pool, tmp_path, priority=flat) as home:
        desk = Desk(home)
        assert desk.case(desk.opens())["priority"] == "p1"
        urgent = desk.opens(sender="b@example.com", subject="urgente")
        assert desk.case(urgent)["priority"] == "p4"


def test_thanks_after_the_end_are_filed_and_explained(home: House) -> None:
    """L-22: the entry is there with its flag, the case rests, `why` knows the word."""
    desk = Desk(home)
    number = desk.opens()
    desk.resolve(number)
    fate = desk.answers(number, "Muito obrigada!\n\nAbraços,\nAna")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
    assert desk.case(number)["status"] == "resolved"
    assert "muito obrigada" in fate["why"]["decision"]
    assert desk.entries(number)[-1]["flags"] == ["unverified_sender", "only_thanks"]
    assert not desk.happened(number, "reopened")
    assert desk.answers(number, "Voltou a falhar.")["outcome"] == "reply_appended"
    assert desk.case(number)["status"] == "open"
    (facts,) = desk.happened(number, "reopened")
    assert (facts["from"], facts["to"], facts["why"]) == (
        "resolved",
        "open",
        "the customer wrote",
    )


def test_a_case_that_is_reopened_all_day_rests_and_alarms(home: House) -> None:
    """Two machines on a resolved case: the fourth time it stays, flagged, once told."""
    desk = Desk(home)
    number = desk.opens()
    for turn, fruit in enumerate(("maçã", "pera", "uva", "figo")):
        desk.resolve(number)
        fate = desk.answers(number, f"Ainda não funciona: {fruit}")
        assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
        home.clock.move(hours=1)
        expected = "open" if turn < 3 else "resolved"
        assert desk.case(number)["status"] == expected
    assert "reopened_too_often" in desk.entries(number)[-1]["flags"]
    assert desk.happened(number, "reopen_limit") == [{"reopened": 3}]
    home.clock.move(days=1)
    desk.answers(number, "Um dia depois ainda não.")
    assert desk.case(number)["status"] == "open"
