"""Two cases that are one, and one that is two."""

from threading import Barrier, Thread
from typing import Any

import pytest

from chamado.daemon import merging
from chamado.daemon.core.evidence import Topic
from chamado.daemon.core.types import Resolution
from chamado.daemon.refusal import BadData, NotPermitted, NotThere, Refusal
from chamado.daemon.store import ledger, schema
from tests.support.casework import ANA, BIA, Desk
from tests.support.house import House

CARLOS = "carlos@example.org"


@pytest.fixture
def desk(home: House) -> Desk:
    """People in a house with the usual settings."""
    return Desk(home)


def merge(desk: Desk, number: int, into: int, *, confirm: bool = False) -> int:
    """Bia merges."""
    home = desk.home
    with home.store.write() as work:
        return merging.merge(
            work,
            home.desk,
            number,
            into,
            who=BIA.address,
            confirm=confirm,
            now=home.clock(),
        )


def split(desk: Desk, number: int, entry: int) -> int:
    """Bia splits."""
    home = desk.home
    with home.store.write() as work:
        return merging.split(
            work, home.desk, number, entry, who=BIA.address, now=home.clock()
        )


def two(desk: Desk) -> tuple[int, int]:
    """Two cases of one customer, the acknowledgement of each in her mailbox."""
    first = desk.opens("A tela fica azul.", subject="Tela azul")
    desk.home.clock.move(hours=2)
    second = desk.opens("Ainda azul, alguém aí?", subject="Tela azul de novo")
    return first, second


def relations(desk: Desk) -> list[tuple[int, int, str]]:
    """All links between cases."""
    rows = desk.home.rows(schema.relation)
    return [(row["ticket"], row["other"], row["kind"]) for row in rows]


def test_merging_moves_what_was_said_and_leaves_a_signpost(desk: Desk) -> None:
    """Entries go, the old case is closed and points to the new one; both remember."""
    first, second = two(desk)
    assert merge(desk, second, first) == 1
    assert [e["text"].strip() for e in desk.entries(first)] == [
        "A tela fica azul.",
        "Ainda azul, alguém aí?",
    ]
    assert desk.entries(second) == []
    case = desk.case(second)
    assert (case["status"], case["merged_into"], case["resolution"]) == (
        "closed",
        first,
        None,
    )
    assert case["closed_at"] == desk.home.clock()
    assert relations(desk) == [(second, first, "merged_into")]
    (merged,) = desk.happened(second, "merged")
    assert (merged["into"], merged["from"], merged["to"]) == (first, "new", "closed")
    assert desk.happened(first, "took_in") == [{"number": second, "entries": 1}]
    assert {e["who"] for e in desk.events(second) if e["kind"] == "merged"} == {
        BIA.address
    }


def test_nothing_is_due_any_more_on_a_case_that_was_merged(desk: Desk) -> None:
    """The promise of the case that stays is the one that counts."""
    first, second = two(desk)
    due = desk.clocks(first)["first_response"]["due_at"]
    merge(desk, second, first)
    assert desk.clocks(second)["first_response"]["ending"] == "ended"
    assert desk.clocks(first)["first_response"]["due_at"] == due


@pytest.mark.parametrize("again", [False, True])
def test_answers_to_the_old_number_follow(desk: Desk, *, again: bool) -> None:
    """By the old token and Message-ID, over one merge and over two."""
    first, second = two(desk)
    merge(desk, second, first)
    last = first
    if again:
        last = desk.opens("Terceira vez", subject="Azul!")
        merge(desk, first, last)
    fate = desk.answers(second, "E agora?")
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", last)
    assert desk.case(second)["status"] == "closed"


def test_the_old_subject_number_follows_too(desk: Desk) -> None:
    """Vouched for or not, the number alone leads to the case that stays."""
    first, second = two(desk)
    merge(desk, second, first)
    fate = desk.home.mail(
        b"From: ana@example.com\r\nTo: suporte@acme.example\r\n"
        b"Subject: Re: [#" + str(second).encode() + b"] oi\r\n\r\nsem marca nossa\r\n"
    )
    # Nobody vouches for her and the number is no secret: a case of its own, linked.
    assert fate["outcome"] == "ticket_opened"
    assert (fate["ticket"], first, "possibly_related") in relations(desk)


def test_merging_into_itself_or_in_a_ring_is_refused(desk: Desk) -> None:
    """A case that was merged is no case any more, neither here nor there."""
    first, second = two(desk)
    third = desk.opens("Outra coisa", subject="Outra")
    with pytest.raises(BadData, match="into itself"):
        merge(desk, first, first)
    merge(desk, second, first)
    with pytest.raises(BadData, match=f"was merged into #{first}"):
        merge(desk, first, second)
    with pytest.raises(BadData, match=f"was merged into #{first}"):
        merge(desk, second, third)
    merge(desk, first, third)
    with pytest.raises(BadData, match="was merged into"):
        merge(desk, third, second)
    with pytest.raises(NotThere):
        merge(desk, third, 999)


def test_r03_two_customers_are_not_mixed_without_a_word(desk: Desk) -> None:
    """R-03: refused with who would get whose letters; nothing has moved."""
    hers = desk.opens("Meu salário saiu errado.")
    his = desk.opens("Meu acesso caiu.", sender=CARLOS, subject="Acesso")
    with pytest.raises(NotPermitted, match=CARLOS) as refused:
        merge(desk, hers, his)
    assert "--confirm" in str(refused.value)
    assert len(desk.entries(hers)) == len(desk.entries(his)) == 1
    assert desk.case(hers)["status"] == "new"
    assert relations(desk) == []
    desk.reply(his, "Veja agora.")
    assert {one["To"].addresses[0].addr_spec for one in desk.letters(his)} == {CARLOS}


def test_r03_confirmed_everybody_takes_part(desk: Desk) -> None:
    """R-03: who says that it is meant gets one case with two people, and letters to
    both."""
    hers = desk.opens("Não abre.")
    his = desk.opens("Aqui também não abre.", sender=CARLOS, subject="Não abre")
    merge(desk, his, hers, confirm=True)
    said = desk.reply(hers, "Voltou.")
    assert set(said.to) == {ANA, CARLOS}
    fate = desk.answers(hers, "Ok aqui.", by=CARLOS)
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", hers)


def test_an_open_case_does_not_vanish_in_one_that_is_over(desk: Desk) -> None:
    """Somebody still waits; the way out is told."""
    first, second = two(desk)
    desk.resolve(first)
    with pytest.raises(BadData, match=f"ticket reopen {first}"):
        merge(desk, second, first)
    desk.resolve(second, Resolution.DUPLICATE)
    assert merge(desk, second, first) == 1


def test_a_letter_that_waits_in_the_outbox_goes_out_once(desk: Desk) -> None:
    """What was written before the merge is sent, and belongs to the case that stays."""
    first, second = two(desk)
    desk.reply(second, "Estamos vendo.")
    merge(desk, second, first)
    desk.home.deliver()
    sent = [letter for letter in desk.home.relay.letters if b"vendo" in letter.content]
    assert len(sent) == 1
    assert len(desk.letters(first, "reply")) == 1
    assert len(desk.letters(second, "ack")) == 1
    with desk.home.store.read() as work:
        assert list(ledger.broken_laws(work)) == []


def test_a_waiting_case_that_is_merged_reminds_nobody(desk: Desk) -> None:
    """The question went with it, the waiting did not."""
    first, second = two(desk)
    desk.ask(second, Topic.LOGS)
    merge(desk, second, first)
    desk.home.clock.move(days=5)
    assert desk.tick().reminded == 0


def test_two_merges_at_once_end_in_one(desk: Desk) -> None:
    """A into B and B into A at the same moment: one wins, nothing hangs, no ring."""
    first, second = two(desk)
    start, ends = Barrier(2), list[Any]()

    def agent(number: int, into: int) -> None:
        start.wait()
        try:
            ends.append(merge(desk, number, into))
        except Refusal as refusal:
            ends.append(refusal)

    pairs = ((first, second), (second, first))
    threads = [Thread(target=agent, args=pair) for pair in pairs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(type(end).__name__ for end in ends) == ["BadData", "int"]
    merged = [c["merged_into"] for c in desk.home.rows(schema.ticket)]
    assert merged.count(None) == 1


def test_splitting_gives_a_message_a_case_of_its_own(desk: Desk) -> None:
    """Its clock starts when it arrived, it is linked, and both cases remember."""
    number = desk.opens()
    desk.home.clock.move(hours=3)
    fate = desk.answers(number, "E outra coisa: a nota fiscal está errada.")
    arrived = desk.home.clock()
    desk.home.clock.move(hours=2)
    new = split(desk, number, fate["entry_id"])
    case = desk.case(new)
    assert (case["status"], case["opened_at"]) == ("new", arrived)
    assert case["team"] == desk.case(number)["team"]
    assert [e["id"] for e in desk.entries(new)] == [fate["entry_id"]]
    assert len(desk.entries(number)) == 1
    assert relations(desk) == [(new, number, "split_from")]
    assert desk.clocks(new)["first_response"]["started_at"] == arrived
    (off,) = desk.happened(number, "split_off")
    assert off == {"number": new, "entry": fate["entry_id"]}
    (opened,) = desk.happened(new, "opened")
    assert opened["split_from"] == number
    assert not desk.letters(new)


def test_a_word_that_was_split_off_is_owed_one_answer_and_not_two(desk: Desk) -> None:
    """The old case owes an answer to what is still on it, counted from its arrival."""
    number = desk.opens()
    desk.reply(number)
    desk.home.clock.move(hours=1)
    other = desk.answers(number, "E outra coisa: a nota fiscal está errada.")
    desk.home.clock.move(hours=1)
    new = split(desk, number, other["entry_id"])
    assert "next_response" not in desk.clocks(number)
    assert desk.clocks(new)["first_response"]["done_at"] is None
    third = desk.answers(number, "E mais: quando vence o contrato?")
    desk.home.clock.move(hours=1)
    since = desk.home.clock()
    desk.answers(number, "A tela ficou azul de novo.")
    split(desk, number, third["entry_id"])
    assert desk.clocks(number)["next_response"]["started_at"] == since


def test_answers_to_a_message_that_was_split_off_go_with_it(desk: Desk) -> None:
    """Although the old case's token and our old Message-IDs are in them as well."""
    number = desk.opens()
    fate = desk.answers(number, "A nota fiscal está errada.")
    new = split(desk, number, fate["entry_id"])
    (ack,) = desk.letters(number, "ack")
    raw = (
        f"From: {ANA}\r\nTo: {ack['Reply-To']}\r\nSubject: Re: tela\r\n"
        f"Message-ID: <later@example.com>\r\nIn-Reply-To: {fate_id(desk, fate)}\r\n"
        f"References: <c1@example.com> {ack['Message-ID']} {fate_id(desk, fate)}\r\n"
        "\r\nAlguma novidade da nota?\r\n"
    ).encode()
    rcpt = ack["Reply-To"].addresses[0].addr_spec
    later = desk.home.mail(raw, rcpt=rcpt)
    assert (later["outcome"], later["ticket"]) == ("reply_appended", new)
    # What answers our own letters on the old case stays there.
    stays = desk.answers(number, "E a tela?")
    assert stays["ticket"] == number
    desk.reply(new, "Corrigimos a nota.")
    assert desk.answers(new, "Chegou.")["ticket"] == new


def fate_id(desk: Desk, fate: dict[str, Any]) -> str:
    """The Message-ID of a message as it stands in a header."""
    return f"<{desk.home.fate(fate['id'])['message_id']}>"


def test_only_a_customers_message_can_be_split_off(desk: Desk) -> None:
    """Not an answer, not a note, not the only one, not one of another case."""
    number = desk.opens()
    (only,) = desk.entries(number)
    with pytest.raises(BadData, match="all there is"):
        split(desk, number, only["id"])
    desk.answers(number, "Mais uma coisa.")
    desk.note(number, "só para nós")
    said = desk.reply(number)
    note = next(e["id"] for e in desk.entries(number) if e["kind"] == "note")
    for entry in (said.entry_id or 0, note):
        with pytest.raises(BadData, match="no message of a customer"):
            split(desk, number, entry)
    other = desk.opens("Outro caso", sender=CARLOS, subject="Outro")
    with pytest.raises(NotThere, match="has no entry"):
        split(desk, other, only["id"])
    with pytest.raises(NotThere, match="has no entry"):
        split(desk, number, -3)


def test_split_and_merged_again_nothing_is_lost(desk: Desk) -> None:
    """There and back: the same entries on the same case, answers find their way."""
    number = desk.opens()
    fate = desk.answers(number, "Outra coisa.")
    before = {e["id"] for e in desk.entries(number)}
    new = split(desk, number, fate["entry_id"])
    merge(desk, new, number)
    assert {e["id"] for e in desk.entries(number)} == before
    assert desk.answers(number, "E então?")["ticket"] == number
