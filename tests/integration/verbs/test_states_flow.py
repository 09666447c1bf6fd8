"""Cases through their whole life: specialists, resolutions, and random days."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chamado.config.address import Address
from chamado.config.settings import Ack, Agent
from chamado.daemon import actions, merging
from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.states import MOVES
from chamado.daemon.core.types import Resolution, Status
from chamado.daemon.enclosed import Files
from chamado.daemon.refusal import BadData, Refusal
from chamado.daemon.store import ledger, schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.casework import ANA, BIA, Desk, parsed, words_of
from tests.support.house import House, house

CAIO, DORA = "caio@acme.example", "dora@acme.example"
PEOPLE = (
    Agent(address=BIA.address, name="Bia"),
    Agent(address=CAIO, name="Caio", specialties=("Database",)),
    Agent(address=DORA, name="Dora", specialties=("Database", "usability")),
)
TOLD = [c for c in Resolution if c not in (Resolution.DUPLICATE, Resolution.SPAM)]


@pytest.fixture
def desk(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[Desk]:
    """A house with specialists."""
    with house(store, pool, tmp_path, agent=PEOPLE) as home:
        yield Desk(home)


def escalate(desk: Desk, number: int, specialty: str, text: str = "") -> str:
    """Bia hands a case over."""
    home = desk.home
    with home.store.write() as work:
        return actions.escalate(
            work, home.desk, number, BIA, specialty, text, now=home.clock()
        )


def hand_back(desk: Desk, number: int, by: str, text: str = "") -> str | None:
    """A specialist gives a case back."""
    home, who = desk.home, Address(address=by)
    with home.store.write() as work:
        return actions.hand_back(work, home.desk, number, who, text, now=home.clock())


def test_a_hard_case_goes_to_the_specialist_with_the_fewest(desk: Desk) -> None:
    """However the specialty is capitalised; whoever comes first has the first."""
    numbers = [
        desk.opens(sender=f"c{n}@example.com", subject=f"caso {n}") for n in range(4)
    ]
    assert [escalate(desk, n, "database") for n in numbers[:3]] == [CAIO, DORA, CAIO]
    desk.resolve(numbers[0])
    desk.resolve(numbers[2])
    assert escalate(desk, numbers[3], " DATABASE ") == CAIO
    case = desk.case(numbers[1])
    assert (case["status"], case["specialty"], case["assignee"]) == (
        "escalated",
        "Database",
        DORA,
    )
    (facts,) = desk.happened(numbers[1], "escalated")
    assert (facts["from"], facts["to"]) == ("new", "escalated")
    assert facts["assignee"] == [None, DORA]


def test_an_unknown_specialty_is_refused_with_those_there_are(desk: Desk) -> None:
    """The words name what can be asked for; nothing is changed."""
    number = desk.opens()
    with pytest.raises(BadData, match="there are: Database, usability"):
        escalate(desk, number, "astrology")
    with pytest.raises(BadData, match="there are: Database, usability"):
        escalate(desk, number, "")
    assert desk.case(number)["status"] == "new"
    assert not desk.happened(number, "escalated")


def test_without_specialists_the_way_out_is_told(home: House) -> None:
    """No specialty in the configuration: the words say where to add one."""
    desk = Desk(home)
    number = desk.opens()
    with pytest.raises(BadData, match="add specialties"):
        escalate(desk, number, "database")


def test_the_customer_sees_one_voice(desk: Desk) -> None:
    """The specialist answers under the support address; the note stays inside."""
    number = desk.opens()
    escalate(desk, number, "usability", "INTERNO: parece índice quebrado")
    assert not [x for x in desk.letters(number) if "usability" in words_of(x)]
    home = desk.home
    with home.store.write() as work:
        actions.reply(
            work,
            home.desk,
            number,
            Address(name="Dora", address=DORA),
            "Já corrigimos.",
            Files(),
            now=home.clock(),
        )
    assert desk.case(number)["status"] == "escalated"
    (letter,) = desk.letters(number, "reply")
    assert letter["From"].addresses[0].addr_spec == "suporte@acme.example"
    for row in home.rows(schema.outbox):
        assert b"INTERNO" not in row["content"]
        assert DORA.encode() not in row["content"]
    assert desk.answers(number, "Obrigada, e agora?")["outcome"] == "reply_appended"
    assert desk.case(number)["status"] == "escalated"


def test_what_a_specialist_asked_for_comes_back_to_the_specialist(desk: Desk) -> None:
    """Waiting for the customer and back, the case stays with who asked."""
    number = desk.opens()
    escalate(desk, number, "usability")
    desk.ask(number, Topic.STEPS)
    assert desk.case(number)["status"] == "waiting"
    desk.answers(number, "1. abri\n2. travou")
    case = desk.case(number)
    assert (case["status"], case["assignee"]) == ("escalated", DORA)


def test_a_case_is_handed_back_to_whoever_handed_it_over(desk: Desk) -> None:
    """With a note, and the history of both turns."""
    number = desk.opens()
    escalate(desk, number, "usability")
    assert hand_back(desk, number, DORA, "É a versão 3.") == BIA.address
    case = desk.case(number)
    assert (case["status"], case["specialty"], case["assignee"]) == (
        "open",
        None,
        BIA.address,
    )
    assert [e["kind"] for e in desk.entries(number)] == ["inbound", "note"]
    (facts,) = desk.happened(number, "handed_back")
    assert facts["assignee"] == [DORA, BIA.address]
    with pytest.raises(BadData, match="with no specialist"):
        hand_back(desk, number, DORA)


def test_escalating_what_waits_lets_the_clock_run(desk: Desk) -> None:
    """It is our turn again, so the time is ours."""
    number = desk.opens()
    home = desk.home
    with home.store.write() as work:
        actions.wait(work, home.desk, number, who=BIA.address, now=home.clock())
    escalate(desk, number, "usability")
    case = desk.case(number)
    assert (case["status"], case["waiting_since"]) == ("escalated", None)
    assert desk.clocks(number)["first_response"]["due_at"] is not None


@pytest.mark.parametrize("code", TOLD)
def test_each_resolution_is_told_in_its_own_words(desk: Desk, code: Resolution) -> None:
    """The letter has the words of the code and the agent's; the case has the code."""
    number = desk.opens()
    desk.resolve(number, code, "Até logo, Bia.")
    case = desk.case(number)
    assert (case["status"], case["resolution"]) == ("resolved", code.value)
    (letter,) = desk.letters(number, "resolved")
    words = words_of(letter)
    assert "Até logo, Bia." in words
    mark = {
        Resolution.ANSWERED: "Respondemos à sua solicitação",
        Resolution.WORKS_AS_DESIGNED: "o previsto para o produto",
        Resolution.FEATURE_REQUEST: "equipe de produto, que decide",
        Resolution.NOT_REPRODUCIBLE: "não conseguimos",
        Resolution.THIRD_PARTY: "outra empresa",
        Resolution.UNSUPPORTED: "fora do que o nosso suporte atende",
    }
    assert [c for c, said in mark.items() if said in words] == [code]
    (facts,) = desk.happened(number, "resolved")
    assert (facts["from"], facts["to"]) == ("new", "resolved")


@pytest.mark.parametrize("code", [Resolution.DUPLICATE, Resolution.SPAM])
def test_duplicates_and_spam_end_in_silence(desk: Desk, code: Resolution) -> None:
    """No letter; words are a note."""
    number = desk.opens()
    desk.resolve(number, code, "É o mesmo de ontem.")
    assert not desk.letters(number, "resolved")
    assert [e["kind"] for e in desk.entries(number)] == ["inbound", "note"]


def test_a_resolution_ends_the_specialists_turn_and_the_waiting(desk: Desk) -> None:
    """A case that is reopened is simply open, and nobody is reminded."""
    number = desk.opens()
    escalate(desk, number, "usability")
    desk.ask(number, Topic.STEPS)
    desk.resolve(number)
    assert desk.case(number)["waiting_since"] is None
    desk.answers(number, "Ainda não.")
    case = desk.case(number)
    assert (case["status"], case["specialty"], case["resolution"]) == (
        "open",
        None,
        None,
    )


SECRET = "PALAVRA-INTERNA"
STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "opens",
                "answers",
                "thanks",
                "away",
                "reply",
                "note",
                "ask",
                "wait",
                "escalate",
                "hand_back",
                "resolve",
                "spam",
                "reopen",
                "merge",
                "split",
                "tick",
            )
        ),
        st.integers(0, 3),
        st.sampled_from((0.0, 0.5, 20.0, 80.0, 200.0, 400.0)),
    ),
    min_size=6,
    max_size=20,
)


@pytest.fixture
def busy(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[Desk]:
    """A house that takes no customer for a loop, however much she writes."""
    calm = Ack(loop_burst=10_000, loop_day=10_000, loop_same_body=10_000)
    with house(store, pool, tmp_path, agent=PEOPLE, ack=calm) as home:
        yield Desk(home)


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_whatever_happens_on_a_random_day_the_laws_hold(
    busy: Desk, steps: list[tuple[str, int, float]]
) -> None:
    """Legal moves only, no internal word outside, clocks forward, one question each."""
    desk = busy
    first = len(desk.home.rows(schema.ticket))
    for what, which, hours in steps:
        desk.home.clock.move(hours=hours)
        before = snapshot(desk)
        happens(desk, what, first + which % 4 + 1)
        check_moves(desk, before)
        check_clocks(desk)
    check_letters(desk)
    check_surveys(desk)
    with desk.home.store.read() as work:
        assert list(ledger.broken_laws(work)) == []


def happens(desk: Desk, what: str, number: int) -> None:
    """Let one thing happen to a case, if there is one and it may."""
    home, now = desk.home, desk.home.clock()
    there = {row["number"] for row in home.rows(schema.ticket)}
    if what == "opens" or number not in there:
        desk.opens(f"{SECRET[:3]} nova {len(there)}", subject=f"caso {len(there)}")
        return
    try:
        if what in ("answers", "thanks", "away"):
            if not desk.letters(number, to=ANA):
                return
            words = f"palavra {chr(97 + desk.sent % 26) * 5}"
            text = "Obrigada!" if what == "thanks" else words
            robot = {"Auto_Submitted": "auto-replied"} if what == "away" else {}
            desk.answers(number, text, **robot)
        elif what == "reply":
            desk.reply(number)
        elif what == "note":
            desk.note(number, f"{SECRET} sobre #{number}")
        elif what == "ask":
            desk.ask(number, Topic.LOGS)
        elif what == "escalate":
            escalate(desk, number, "usability", f"{SECRET} para Dora")
        elif what == "hand_back":
            hand_back(desk, number, DORA, f"{SECRET} de Dora")
        elif what == "resolve":
            desk.resolve(number, Resolution.ANSWERED)
        elif what == "spam":
            desk.resolve(number, Resolution.SPAM, f"{SECRET}: lixo")
        elif what == "reopen":
            desk.reopen(number)
        elif what == "tick":
            desk.tick()
        else:
            with home.store.write() as work:
                if what == "wait":
                    actions.wait(work, home.desk, number, who=BIA.address, now=now)
                elif what == "merge":
                    into = number - 1 if number - 1 in there else number + 1
                    merging.merge(
                        work,
                        home.desk,
                        number,
                        into,
                        who=BIA.address,
                        confirm=False,
                        now=now,
                    )
                else:
                    entries = desk.entries(number)
                    last = entries[-1]["id"] if entries else 0
                    merging.split(
                        work, home.desk, number, last, who=BIA.address, now=now
                    )
    except Refusal:
        return


def snapshot(desk: Desk) -> dict[int, str]:
    """Where every case stands."""
    return {row["number"]: row["status"] for row in desk.home.rows(schema.ticket)}


def check_moves(desk: Desk, before: dict[int, str]) -> None:
    """A case that moved says from where, to where, and the table allows it."""
    possible = {(status.value, to.value) for (status, _), to in MOVES.items()}
    possible.add((Status.WAITING.value, Status.ESCALATED.value))
    for row in desk.home.rows(schema.ticket):
        number, status = row["number"], row["status"]
        if number not in before or before[number] == status:
            continue
        assert (before[number], status) in possible
        moves = [
            (e["facts"]["from"], e["facts"]["to"])
            for e in desk.events(number)
            if "from" in e["facts"] and "to" in e["facts"]
        ]
        assert moves[-1] == (before[number], status)
    for row in desk.home.rows(schema.ticket):
        waits = row["status"] == "waiting"
        assert (row["waiting_since"] is not None) is waits
        if row["status"] == "escalated":
            assert row["specialty"]
        if row["status"] in ("new", "open"):
            assert row["specialty"] is None
            assert row["resolved_at"] is None
        if row["merged_into"]:
            assert row["status"] == "closed"


def check_clocks(desk: Desk) -> None:
    """Nothing is due on what is over, nothing runs on what waits, and a clock that
    was missed stays missed."""
    status = snapshot(desk)
    for row in desk.home.rows(schema.deadline):
        if row["done_at"] is None:
            assert status[row["ticket"]] not in ("resolved", "closed")
            if status[row["ticket"]] == "waiting" and row["due_at"]:
                assert row["due_at"] <= desk.home.clock()
        assert row["started_at"] <= row["counted_from"]
        if row["due_at"]:
            assert row["due_at"] >= row["started_at"]


def check_letters(desk: Desk) -> None:
    """No internal word in any letter, and each letter goes to the one customer."""
    for row in desk.home.rows(schema.outbox):
        assert SECRET.encode() not in row["content"]
        text = words_of(parsed(row["content"]))
        assert SECRET not in text
        assert row["kind"] in ("notice", "digest", "returned", "confirmed") or (
            row["rcpt_to"] == ANA
        )


def check_surveys(desk: Desk) -> None:
    """At most one question a resolution, and none after spam."""
    asked = [row["resolution_event"] for row in desk.home.rows(schema.survey)]
    assert len(asked) == len(set(asked))
    spam = {
        e["id"]
        for e in desk.home.rows(schema.event)
        if e["kind"] == "resolved" and e["facts"]["resolution"] == "spam"
    }
    assert not spam & set(asked)
