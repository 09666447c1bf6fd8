"""The ledgers of what came in and what goes out: `inbox`, `outbox`, `why`."""

import pytest

from chamado.daemon.cli import reasons
from chamado.daemon.core.answers import CONDITIONS
from chamado.daemon.core.types import OutcomeName
from chamado.daemon.store import inbox, outbox, schema
from chamado.notifier.types import Fate, Outcome
from tests.support.counter import Counter
from tests.support.house import House, message

INBOX = {
    "id",
    "source",
    "state",
    "outcome",
    "ticket",
    "message_id",
    "mail_from",
    "rcpt_tos",
    "subject",
    "size",
    "sha256",
    "received_at",
    "processed_at",
    "attempts",
    "error",
}
OUTBOX = {
    "id",
    "kind",
    "ticket",
    "state",
    "to",
    "subject",
    "message_id",
    "attempts",
    "next_attempt_at",
    "last_reply",
}


def fail(home: House, id_: int) -> None:
    with home.store.write() as work:
        inbox.fail(work, id_, "parser died: cpu", home.clock())


def test_the_inbox_lists_exactly_the_keys_of_the_contract(
    home: House, cli: Counter
) -> None:
    """Every message ever accepted has every promised key and no other."""
    home.mail(message())
    (row,) = cli.json("inbox", "list")
    assert set(row) == INBOX
    assert (row["state"], row["outcome"], row["ticket"]) == ("done", "ticket_opened", 1)
    assert row["rcpt_tos"] == ["suporte@acme.example"]
    assert row["received_at"] == "2026-11-25T12:00:00.000Z"
    shown = cli.json("inbox", "show", 1)
    assert set(shown) > INBOX
    assert {name: shown[name] for name in INBOX} == row


def test_the_inbox_is_narrowed_and_paged(home: House, cli: Counter) -> None:
    """State, outcome and page leave exactly what they name, newest first."""
    for number in range(4):
        home.mail(message(f"{number}", message_id=f"<{number}@x.example>"))
    home.mail(message("0", message_id="<0@x.example>"), key="again")
    fail(home, home.take(message("f", message_id="<f@x.example>")))

    def found(*words: object) -> list[int]:
        return [row["id"] for row in cli.json("inbox", "list", *words)]

    assert found() == [6, 5, 4, 3, 2, 1]
    assert found("--state", "failed") == [6]
    assert found("--outcome", "duplicate") == [5]
    assert found("--state", "received") == []
    assert found("--limit", 2) == [6, 5]
    assert found("--limit", 2, "--before", 5) == [4, 3]
    assert cli.run("inbox", "list", "--state", "lost").code == 64
    assert "--before 5" in cli.ok("inbox", "list", "--limit", 2).err


@pytest.mark.parametrize("padding", [0, 200_000])
def test_raw_gives_back_what_was_accepted(
    home: House, cli: Counter, padding: int
) -> None:
    """--raw is the mail byte for byte, whether a row or a blob holds it."""
    content = message() + b"x\r\n\x00\xff" * (padding // 5)
    id_ = home.take(content)
    assert cli.ok("inbox", "show", id_, "--raw").raw == content


def test_raw_bytes_that_are_gone_are_said_to_be_gone(home: House, cli: Counter) -> None:
    """A missing blob ends with 66 and its name, not with an empty mail."""
    id_ = home.take(message() + b"x" * 200_000)
    row = home.fate(id_)
    home.blobs.delete(row["sha256"])
    done = cli.run("inbox", "show", id_, "--raw")
    assert done.code == 66
    assert row["sha256"] in done.err


def test_failed_messages_are_tried_again_with_a_clean_slate(
    home: House, cli: Counter
) -> None:
    """retry brings a failed message back, and it is then filed like any other."""
    id_ = home.take(message())
    fail(home, id_)
    assert cli.json("inbox", "retry", id_) == [{"id": id_}]
    row = home.fate(id_)
    assert (row["state"], row["strikes"], row["error"]) == ("received", 0, None)
    home.processor.process_all([id_])
    assert home.fate(id_)["outcome"] == "ticket_opened"


def test_a_dropped_message_keeps_reason_and_bytes(home: House, cli: Counter) -> None:
    """An operator's decision is an outcome with its reason; nothing is deleted."""
    content = message()
    id_ = home.take(content)
    fail(home, id_)
    cli.ok("inbox", "drop", id_, "--reason", "um teste\x1b[31m")
    row = home.fate(id_)
    assert (row["state"], row["outcome"]) == ("done", "dropped")
    assert cli.json("why", id_)["rule"] == "um teste[31m"
    assert cli.ok("inbox", "show", id_, "--raw").raw == content
    assert cli.run("inbox", "drop", id_, "--reason", " ").code == 65


def test_acting_on_several_rows_is_all_or_nothing(home: House, cli: Counter) -> None:
    """One id that does not fit leaves the others as they are, and is named."""
    ids = [home.take(message(f"{n}", message_id=f"<{n}@x>")) for n in range(2)]
    fail(home, ids[0])
    done = cli.run("inbox", "retry", *ids)
    assert done.code == 65
    assert f"{ids[1]} is received" in done.err
    assert home.fate(ids[0])["state"] == "failed"
    missing = cli.run("inbox", "retry", ids[0], 99)
    assert missing.code == 66
    assert "99" in missing.err
    assert home.fate(ids[0])["state"] == "failed"


@pytest.mark.parametrize("ledger", ["inbox", "outbox"])
@pytest.mark.parametrize("command", ["show", "retry", "drop"])
def test_unknown_ids_end_with_66(cli: Counter, ledger: str, command: str) -> None:
    """What is not there is said in one line."""
    more = ("--reason", "x") if command == "drop" else ()
    done = cli.run(ledger, command, 7, *more)
    assert done.code == 66
    assert len(done.err.splitlines()) == 1
    assert cli.run(ledger, command, "seven", *more).code == 64


def test_the_outbox_lists_exactly_the_keys_of_the_contract(
    home: House, cli: Counter
) -> None:
    """Every letter has every promised key and no other; --raw are its bytes."""
    home.mail(message())
    (row,) = cli.json("outbox", "list")
    assert set(row) == OUTBOX
    assert (row["kind"], row["ticket"], row["state"]) == ("ack", 1, "queued")
    assert row["to"] == "ana@example.com"
    shown = cli.json("outbox", "show", row["id"])
    assert set(shown) > OUTBOX
    content = home.rows(schema.outbox)[0]["content"]
    assert cli.ok("outbox", "show", row["id"], "--raw").raw == content
    assert [r["id"] for r in cli.json("outbox", "list", "--state", "sent")] == []


def test_letters_are_sent_again_or_given_up(home: House, cli: Counter) -> None:
    """A failed letter is queued again, a waiting one dropped, a sent one neither."""
    home.relay.answers = [Outcome(fate=Fate.REFUSED, reply="550 5.1.1 no")]
    home.mail(message())
    home.deliver()
    assert cli.json("outbox", "list", "--state", "failed")[0]["last_reply"] == (
        "550 5.1.1 no"
    )
    cli.ok("outbox", "retry", 1)
    cli.ok("outbox", "drop", 1, "--reason", "wrong customer")
    assert cli.json("outbox", "show", 1)["last_reply"] == "dropped: wrong customer"
    cli.ok("outbox", "retry", 1)
    with home.store.write() as work:
        outbox.claim(work, "me", 1, home.clock().replace(year=2099))
    assert cli.run("outbox", "retry", 1).code == 65
    assert cli.run("outbox", "drop", 1, "--reason", "x").code == 65


def test_why_tells_the_whole_story_of_a_message(home: House, cli: Counter) -> None:
    """Outcome, evidence, identity, answer and its letter, by id and by Message-ID."""
    home.mail(message(message_id="<m1@example.com>"))
    told = cli.json("why", 1)
    assert (told["outcome"], told["ticket"], told["kind"]) == (
        "ticket_opened",
        1,
        "person",
    )
    assert told["ack"] == "queued"
    assert told["ack_letters"] == [
        {"id": 1, "state": "queued", "to": "ana@example.com"}
    ]
    assert told["signals"] == []
    assert told["flags"] == ["unverified_sender"]
    for name in ("<m1@example.com>", "m1@example.com"):
        assert cli.json("why", name) == [told]
    page = cli.ok("why", 1).out
    assert "opened a case" in page
    assert "nobody vouches for the sender" in page
    assert "letter 1 to ana@example.com is queued" in page


def test_why_names_the_signals_of_a_machine(home: House, cli: Counter) -> None:
    """A suppressed acknowledgement comes with the rule that fired, in words."""
    home.mail(message(Auto_Submitted="auto-replied"))
    told = cli.json("why", 1)
    assert told["ack"] == "suppressed:machine"
    assert told["signals"]
    page = cli.ok("why", 1).out
    assert "not sent: a machine" in page
    assert told["signals"][0]["rule"] in page


def test_why_shows_evidence_for_a_reply(home: House, cli: Counter) -> None:
    """For a reply it says what led to the case and how much that proves."""
    home.mail(message())
    token = home.rows(schema.outbox)[0]["message_id"]
    home.clock.move(minutes=5)
    home.mail(message("Mais.", message_id="<m2@x>", In_Reply_To=f"<{token}>"))
    told = cli.json("why", 2)
    assert told["outcome"] == "reply_appended"
    assert "evidence: own_message_id" in told["rule"]
    assert "none, since no new case was opened" in cli.ok("why", 2).out


def test_why_names_the_copies_of_a_message(home: House, cli: Counter) -> None:
    """A second delivery points to the first and the first to the second."""
    home.mail(message())
    home.mail(message(), key="again")
    assert cli.json("why", 1)["copies"] == [2]
    assert cli.json("why", 2)["copies"] == [1]
    assert len(cli.json("why", "m1@example.com")) == 2
    assert "second copy" in cli.ok("why", 2).out


def test_why_speaks_of_what_waits_and_what_failed(home: House, cli: Counter) -> None:
    """A message without an outcome is explained as well."""
    id_ = home.take(message())
    assert "waits to be understood" in cli.ok("why", id_).out
    fail(home, id_)
    page = cli.ok("why", id_).out
    assert "parser died: cpu" in page
    assert "inbox retry" in page


def test_why_of_what_never_came_in_says_so(home: House, cli: Counter) -> None:
    """An unknown Message-ID ends with 66; one of our own letters is named as that."""
    home.mail(message())
    done = cli.run("why", "<nobody@example.com>")
    assert done.code == 66
    assert "no message nobody@example.com was accepted" in done.err
    ours = home.rows(schema.outbox)[0]["message_id"]
    own = cli.run("why", f"<{ours}>")
    assert own.code == 66
    assert "outbox show 1" in own.err
    assert cli.run("why", 99).code == 66


def test_every_word_of_the_ledger_has_a_sentence() -> None:
    """No suppression and no outcome is shown to a newcomer as a bare word."""
    other = {"address_unusable", "forwarded_by_agent"}
    words = {word for word, _ in CONDITIONS} | other
    assert words == set(reasons.ACK)
    assert {outcome.value for outcome in OutcomeName} <= set(reasons.OUTCOMES)
