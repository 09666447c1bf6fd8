"""What agents do on a case: create, reply, note, set, resolve, reopen."""

import email
import email.policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from chamado.config.address import Address
from chamado.daemon.cli.body import CUT
from chamado.daemon.store import cases, schema
from tests.support.counter import CONFIG, Counter, counter
from tests.support.house import House, message

BIA = ("--agent", "bia@acme.example")


def create(cli: Counter, *more: str, stdin: str | None = None) -> dict[str, object]:
    words = ("ticket", "create", "--requester", "ana@example.com", "--name", "Ana")
    body = ("--body-file", "-") if stdin is not None else ()
    channel = () if "--channel" in more else ("--channel", "phone")
    made = cli.json(
        *words, "--subject", "Tela azul", *channel, *body, *more, stdin=stdin
    )
    assert isinstance(made, dict)
    return made


def reply(cli: Counter, number: int, text: str, *more: str) -> None:
    cli.ok("ticket", "reply", number, *BIA, "--body-file", "-", *more, stdin=text)


def sent(home: House) -> list[EmailMessage]:
    """Every letter in the outbox, oldest first, as mail programs read it."""
    return [
        email.message_from_bytes(row["content"], policy=email.policy.default)
        for row in home.rows(schema.outbox)
    ]


def text_of(letter: EmailMessage) -> str:
    part = letter.get_body(("plain",))
    assert part is not None
    return str(part.get_content())


@pytest.mark.parametrize("channel", ["email", "phone", "whatsapp", "chat", "web"])
def test_a_case_comes_in_by_every_channel(
    home: House, cli: Counter, channel: str
) -> None:
    """A case by phone or chat is a case like any other, and is acknowledged by mail."""
    made = create(cli, "--channel", channel, stdin="Não abre.\nHá dois dias.")
    assert made["ack"] == "queued"
    assert (made["number"], made["channel"], made["status"]) == (1, channel, "new")
    entry = cli.json("ticket", "show", 1)["entries"][0]
    assert (entry["kind"], entry["public"]) == ("inbound", True)
    assert entry["text"] == entry["reply"] == "Não abre.\nHá dois dias."
    (letter,) = sent(home)
    assert letter["To"] == "Ana <ana@example.com>"
    assert letter["Auto-Submitted"] == "auto-replied"
    assert home.rows(schema.outbox)[0]["mail_from"] == ""


def test_the_clock_of_a_call_starts_when_the_customer_called(
    home: House, cli: Counter
) -> None:
    """The promise counts from --received-at, not from when somebody typed it in."""
    made = create(cli, "--received-at", "2026-11-20T09:30:00-03:00")
    assert made["opened_at"] == "2026-11-20T12:30:00.000Z"
    assert made["first_response_due"] == "2026-11-21T12:30:00.000Z"
    assert home.rows(schema.deadline)[0]["done_at"] is None


@pytest.mark.parametrize(
    ("severity", "impact", "priority"),
    [
        ("critical", "high", "p1"),
        ("critical", "low", "p2"),
        ("normal", "medium", "p3"),
        ("low", "low", "p4"),
    ],
)
def test_priority_follows_severity_and_impact(
    cli: Counter, severity: str, impact: str, priority: str
) -> None:
    """The table decides, at creation as at a change."""
    made = create(cli, "--severity", severity, "--impact", impact)
    assert made["priority"] == priority
    create(cli)
    changed = cli.json("ticket", "set", 2, "--severity", severity, "--impact", impact)
    assert changed["priority"] == priority


def test_a_priority_set_by_hand_stays(home: House, cli: Counter) -> None:
    """Once a person chose a priority, severity and impact move it no more."""
    create(cli)
    assert cli.json("ticket", "set", 1, "--priority", "p1")["priority"] == "p1"
    after = cli.json("ticket", "set", 1, "--severity", "low")
    assert (after["priority"], after["severity"]) == ("p1", "low")


def test_a_change_is_remembered_with_who_before_and_after(
    home: House, cli: Counter
) -> None:
    """History says who changed what from what to what, and the case shows it."""
    create(cli)
    cli.ok("ticket", "set", 1, "--severity", "high", "--assignee", "Bia", *BIA)
    (changed,) = [e for e in home.rows(schema.event) if e["kind"] == "changed"]
    assert changed["who"] == "bia@acme.example"
    assert changed["facts"] == {
        "severity": ["normal", "high"],
        "priority": ["p3", "p2"],
        "assignee": [None, "bia@acme.example"],
    }
    events = [
        e for e in cli.json("ticket", "show", 1)["entries"] if e["kind"] == "event"
    ]
    assert "priority p3 → p2" in events[0]["text"]
    assert events[0]["id"] < 0
    assert cli.ok("ticket", "set", 1, "--severity", "high").out == (
        "#1: nothing to change\n"
    )


def test_a_case_can_be_taken_from_everybody(cli: Counter) -> None:
    """An empty assignee leaves the case to nobody."""
    create(cli)
    assert cli.json("ticket", "set", 1, "--assignee", "bia@acme.example")["assignee"]
    assert cli.json("ticket", "set", 1, "--assignee", "")["assignee"] is None


def test_only_known_agents_are_assigned(cli: Counter) -> None:
    """A name nobody has is refused with those that there are."""
    create(cli)
    done = cli.run("ticket", "set", 1, "--assignee", "zoe@acme.example")
    assert done.code == 65
    assert "bia@acme.example" in done.err


def test_a_reply_is_one_letter_in_the_thread_of_the_customer(
    home: House, cli: Counter
) -> None:
    """The letter answers the customer's newest message, names those before, and is
    not marked as automatic: a person wrote it."""
    home.mail(message(message_id="<m1@example.com>"))
    reply(cli, 1, "Olá,\nolhamos isso.\n")
    ack, letter = sent(home)
    assert letter["In-Reply-To"] == "<m1@example.com>"
    assert letter["References"].split()[-1] == "<m1@example.com>"
    assert letter["Auto-Submitted"] is None
    assert "[#1]" in letter["Subject"]
    assert "olhamos isso." in text_of(letter)
    rows = home.rows(schema.outbox)
    assert rows[1]["mail_from"] == "suporte@acme.example"
    assert not rows[1]["at_most_once"]
    assert rows[1]["message_id"] != rows[0]["message_id"]
    assert ack["Message-ID"] != letter["Message-ID"]
    entry = cli.json("ticket", "show", 1)["entries"][-1]
    assert (entry["kind"], entry["public"]) == ("reply", True)
    assert entry["author"] == {
        "name": "Bia",
        "address": "bia@acme.example",
        "role": "agent",
    }
    assert f"<{entry['message_id']}>" == letter["Message-ID"]


def test_a_customers_answer_to_a_reply_joins_the_case(
    home: House, cli: Counter
) -> None:
    """What the customer answers to the agent's letter comes back to the same case."""
    home.mail(message())
    reply(cli, 1, "Tente de novo.")
    letter = sent(home)[-1]
    home.clock.move(minutes=10)
    answer = message(
        "Agora foi.",
        to=str(letter["Reply-To"]),
        subject=f"Re: {letter['Subject']}",
        message_id="<m2@example.com>",
        In_Reply_To=str(letter["Message-ID"]),
    )
    fate = home.mail(answer, rcpt=str(letter["Reply-To"]))
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", 1)


def test_the_first_reply_keeps_the_promise_and_opens_the_case(
    home: House, cli: Counter
) -> None:
    """new becomes open, the answer's time is that of its letters, nothing is due."""
    home.mail(message())
    reply(cli, 1, "Olhamos.")
    case = cli.json("ticket", "show", 1)
    assert case["status"] == "open"
    (ticket,) = home.rows(schema.ticket)
    letter = home.rows(schema.outbox)[-1]
    assert ticket["first_response_at"] == letter["created_at"]
    assert home.rows(schema.deadline)[0]["done_at"] == letter["created_at"]
    reply(cli, 1, "Mais uma coisa.")
    again = cli.json("ticket", "show", 1)
    assert again["first_response_at"] == case["first_response_at"]
    assert again["status"] == "open"


def test_an_answer_that_bounces_is_no_answer(home: House, cli: Counter) -> None:
    """When the letter comes back the promise is open again."""
    home.mail(message())
    reply(cli, 1, "Olhamos.")
    home.deliver()
    id_ = str(sent(home)[-1]["Message-ID"])
    report = (
        "From: MAILER-DAEMON@relay.example\r\nTo: suporte@acme.example\r\n"
        "Subject: Undelivered Mail\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n'
        "\r\n--b\r\nContent-Type: text/plain\r\n\r\nno such user\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\n"
        "Reporting-MTA: dns; relay.example\r\n\r\n"
        "Final-Recipient: rfc822; ana@example.com\r\nAction: failed\r\n"
        "Status: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: {id_}\r\n\r\nx\r\n"
        "--b--\r\n"
    )
    home.clock.move(minutes=1)
    fate = home.mail(report.encode(), mail_from="")
    assert fate["outcome"] == "bounce_recorded"
    assert cli.json("ticket", "show", 1)["first_response_at"] is None


def test_everybody_who_takes_part_gets_a_letter_of_their_own(
    home: House, cli: Counter
) -> None:
    """Two participants, two letters, two Message-IDs, two reply addresses; and none
    to ourselves."""
    home.mail(message())
    with home.store.write() as work:
        people = [
            (Address(address="carla@example.com"), False),
            (Address(address="suporte@acme.example"), False),
        ]
        ids = cases.ensure_contacts(work, people, home.clock())
        cases.add_participants(work, [(1, id_) for id_ in ids.values()], home.clock())
    reply(cli, 1, "Olá a todas.")
    _, *letters = sent(home)
    assert {str(letter["To"]) for letter in letters} == {
        "Ana <ana@example.com>",
        "carla@example.com",
    }
    assert len({str(letter["Message-ID"]) for letter in letters}) == 2
    assert len({str(letter["Reply-To"]) for letter in letters}) == 2


def test_a_note_never_leaves(home: House, cli: Counter) -> None:
    """A note is on the case for agents and makes no letter."""
    home.mail(message())
    before = home.letters()
    cli.ok("ticket", "note", 1, *BIA, "--body-file", "-", stdin="Cliente difícil.")
    assert home.letters() == before
    entry = cli.json("ticket", "show", 1)["entries"][-1]
    assert (entry["kind"], entry["public"]) == ("note", False)
    assert cli.json("ticket", "show", 1)["first_response_at"] is None
    reply(cli, 1, "Olá.")
    assert b"dif" not in home.rows(schema.outbox)[-1]["content"]


def test_the_id_of_a_message_for_agents_only_does_not_leave(
    home: House, cli: Counter
) -> None:
    """What is not public is not even named in the References of a letter."""
    home.mail(message())
    hidden = cases.NewEntry(
        ticket=1,
        kind="inbound",
        at=home.clock(),
        public=False,
        author=Address(address="eve@other.example"),
        role="customer",
        message_id="secret@other.example",
    )
    with home.store.write() as work:
        cases.add_entries(work, [hidden], home.clock())
    reply(cli, 1, "Olá.")
    assert b"secret@other.example" not in home.rows(schema.outbox)[-1]["content"]


def test_files_go_out_with_a_reply_and_stay_on_the_case(
    home: House, cli: Counter, tmp_path: Path
) -> None:
    """Attached files arrive byte for byte, small ones and those kept as blobs."""
    small, large = tmp_path / "notas.txt", tmp_path / "tela grande.png"
    small.write_bytes(b"a\r\nb\0")
    large.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 500)
    home.mail(message())
    reply(cli, 1, "Anexos.", "--attach", str(small), "--attach", str(large))
    letter = sent(home)[-1]
    got = {p.get_filename(): p.get_content() for p in letter.iter_attachments()}
    assert got[large.name] == large.read_bytes()
    assert small.name in got
    entry = cli.json("ticket", "show", 1)["entries"][-1]
    ids = [file["id"] for file in entry["attachments"]]
    assert cli.ok("ticket", "file", ids[0]).raw == small.read_bytes()
    assert cli.ok("ticket", "file", ids[1]).raw == large.read_bytes()


def test_files_that_no_relay_would_take_are_refused(
    home: House, cli: Counter, tmp_path: Path
) -> None:
    """More bytes than a message may have are refused, and nothing was written."""
    limited = counter(
        tmp_path,
        home.store.engine.url.render_as_string(hide_password=False),
        more="[limits]\nmessage_bytes = 20000\n",
    )
    home.mail(message())
    large = tmp_path / "large"
    large.write_bytes(b"x" * 15_001)
    done = limited.run(
        *("ticket", "reply", 1, *BIA, "--body-file", "-", "--attach", large), stdin="x"
    )
    assert done.code == 65
    assert len(cli.json("ticket", "show", 1)["entries"]) == 2
    missing = limited.run(
        *("ticket", "reply", 1, *BIA, "--body-file", "-", "--attach", "no-such-file"),
        stdin="x",
    )
    assert missing.code == 66


@pytest.mark.parametrize("text", ["", "\n \n\t\n", "\x1b\x07"])
def test_a_reply_without_words_is_refused(home: House, cli: Counter, text: str) -> None:
    """Nothing written is a decision not to write."""
    home.mail(message())
    done = cli.run("ticket", "reply", 1, *BIA, "--body-file", "-", stdin=text)
    assert done.code == 65
    assert home.letters() == {"queued": 1}


def test_words_that_are_no_text_are_refused(home: House, cli: Counter) -> None:
    """Bytes that are not UTF-8 would reach the customer as rubbish."""
    home.mail(message())
    done = cli.run(
        "ticket", "reply", 1, *BIA, "--body-file", "-", stdin=b"ol\xe1 \xff\xfe"
    )
    assert done.code == 65
    assert "UTF-8" in done.err


def test_without_a_terminal_and_without_words_no_editor_hangs(
    home: House, cli: Counter
) -> None:
    """A script that forgot --body-file is told so at once."""
    home.mail(message())
    done = cli.run("ticket", "reply", 1, *BIA)
    assert done.code == 64
    assert "--body-file" in done.err


def test_the_editor_shows_what_is_answered_and_sends_only_what_is_above(
    home: House, cli: Counter, tmp_path: Path
) -> None:
    """The customer's words lie below the line that is cut off."""
    home.mail(message("A tela fica azul."))
    seen, editor = tmp_path / "seen", tmp_path / "editor"
    editor.write_text(
        f'#!/bin/sh\ncp "$1" {seen}\nprintf "Reinicie.\\n" | cat - "$1" > {seen}.new\n'
        f'cp {seen}.new "$1"\ntouch -d "+1 minute" "$1"\n'
    )
    editor.chmod(0o755)
    cli.ok("ticket", "reply", 1, *BIA, editor=editor)
    assert CUT in seen.read_text()
    assert "> A tela fica azul." in seen.read_text()
    entry = cli.json("ticket", "show", 1)["entries"][-1]
    assert entry["text"] == "Reinicie."


def test_leaving_the_editor_without_a_word_sends_nothing(
    home: House, cli: Counter
) -> None:
    """An agent who thinks better of it closes the editor."""
    home.mail(message())
    assert cli.run("ticket", "reply", 1, *BIA, editor="true").code == 65
    assert home.letters() == {"queued": 1}


def test_a_stranger_is_no_agent(home: House, cli: Counter) -> None:
    """Who is not configured may not answer, and learns how that is changed."""
    home.mail(message())
    for command in ("reply", "note"):
        done = cli.run(
            *("ticket", command, 1, "--agent", "eve@other.example"),
            *("--body-file", "-"),
            stdin="x",
        )
        assert done.code == 77
        assert "[[agent]]" in done.err
    own = cli.run(
        *("ticket", "note", 1, "--agent", "suporte@acme.example", "--body-file", "-"),
        stdin="x",
    )
    assert own.code == 77
    bad = cli.run("ticket", "note", 1, "--agent", "x y", "--body-file", "-", stdin="x")
    assert bad.code == 65


def test_while_no_agent_is_configured_everybody_is_one(
    home: House, tmp_path: Path, database_url: str
) -> None:
    """The first steps work without configuring agents, and it says so."""
    home.mail(message())
    text = CONFIG.partition("[[agent]]")[0]
    free = counter(tmp_path, database_url, text=text)
    done = free.ok(
        *("ticket", "reply", 1, "--agent", "zoe@acme.example", "--body-file", "-"),
        stdin="Olá.",
    )
    assert "no [[agent]] is configured" in done.err


@pytest.mark.parametrize(
    "code",
    [
        "answered",
        "works_as_designed",
        "feature_request",
        "not_reproducible",
        "third_party",
        "unsupported",
    ],
)
def test_a_resolution_is_told_to_the_customer(
    home: House, cli: Counter, code: str
) -> None:
    """Each code ends the case; the letter carries the agent's words."""
    home.mail(message())
    case = cli.json(
        *("ticket", "resolve", 1, *BIA, "--resolution", code, "--body-file", "-"),
        stdin="Era o cabo.",
    )
    assert (case["status"], case["resolution"]) == ("resolved", code)
    assert case["resolved_at"] is not None
    letter = sent(home)[-1]
    assert home.rows(schema.outbox)[-1]["kind"] == "resolved"
    assert "Era o cabo." in text_of(letter)
    assert letter["In-Reply-To"] == "<m1@example.com>"
    assert case["first_response_at"] is not None


@pytest.mark.parametrize("code", ["duplicate", "spam"])
def test_of_duplicates_and_spam_nobody_is_told(
    home: House, cli: Counter, code: str
) -> None:
    """No letter goes out, and words stay inside the house."""
    home.mail(message())
    case = cli.json(
        *("ticket", "resolve", 1, *BIA, "--resolution", code, "--body-file", "-"),
        stdin="Mesmo golpe de ontem.",
    )
    assert home.letters() == {"queued": 1}
    assert case["entries"][-2]["kind"] == "note"
    assert case["first_response_at"] is None


def test_nothing_is_due_on_a_case_that_is_over(home: House, cli: Counter) -> None:
    """A resolved case cannot miss its deadline; reopened, the promise counts again."""
    create(cli)
    cli.ok("ticket", "resolve", 1, *BIA, "--resolution", "spam")
    assert home.rows(schema.deadline)[0]["done_at"] is not None
    case = cli.json("ticket", "reopen", 1)
    assert (case["status"], case["resolved_at"], case["resolution"]) == (
        "open",
        None,
        None,
    )
    assert home.rows(schema.deadline)[0]["done_at"] is None


def test_a_case_can_be_resolved_and_reopened_again_and_again(
    home: House, cli: Counter
) -> None:
    """Every resolution is told once, with or without words."""
    home.mail(message())
    for _ in range(2):
        cli.ok("ticket", "resolve", 1, *BIA, "--resolution", "answered")
        cli.ok("ticket", "reopen", "#1", *BIA)
    kinds = [row["kind"] for row in home.rows(schema.outbox)]
    assert kinds == ["ack", "resolved", "resolved"]
    texts = [e["text"] for e in cli.json("ticket", "show", 1)["entries"]]
    assert texts.count("reopened") == 2


def test_what_does_not_fit_the_state_of_a_case_is_refused(
    home: House, cli: Counter
) -> None:
    """An open case is not reopened, a resolved one not resolved, a closed one not
    answered; and nothing is changed."""
    home.mail(message())
    assert cli.run("ticket", "reopen", 1).code == 65
    cli.ok("ticket", "resolve", 1, *BIA, "--resolution", "answered")
    again = cli.run("ticket", "resolve", 1, *BIA, "--resolution", "spam")
    assert again.code == 65
    with home.store.write() as work:
        cases.change(work, 1, status="closed", closed_at=home.clock())
    done = cli.run("ticket", "reply", 1, *BIA, "--body-file", "-", stdin="Oi")
    assert done.code == 65
    assert "ticket reopen 1" in done.err
    assert len(home.rows(schema.outbox)) == 2


def test_a_merged_case_sends_agents_to_its_target(home: House, cli: Counter) -> None:
    """Work on a case that was merged would be lost; it is refused with the target."""
    create(cli)
    create(cli)
    with home.store.write() as work:
        cases.change(work, 2, merged_into=1)
    done = cli.run("ticket", "note", 2, *BIA, "--body-file", "-", stdin="x")
    assert done.code == 65
    assert "#1" in done.err


def test_our_own_address_is_never_acknowledged(home: House, cli: Counter) -> None:
    """A case for ourselves or an agent opens, and no letter makes a circle."""
    for address in ("suporte@acme.example", "bia@acme.example", "VENDAS@acme.example"):
        made = cli.json(
            *("ticket", "create", "--requester", address, "--subject", "x"),
            *("--channel", "web"),
        )
        assert made["ack"] == "suppressed:own_address"
    assert home.letters() == {}
    done = cli.run("ticket", "reply", 1, *BIA, "--body-file", "-", stdin="x")
    assert done.code == 65
    assert "note" in done.err


def test_bad_values_are_refused_before_anything_is_written(
    home: House, cli: Counter
) -> None:
    """Addresses, times, subjects and choices are judged first."""
    words = ("ticket", "create", "--subject", "x", "--channel", "phone")
    who = ("--requester", "a@x.example")
    assert cli.run(*words, "--requester", "not an address").code == 65
    assert cli.run(*words, "--requester", "a@b\r\nBcc: e@x.example").code == 65
    assert cli.run(*words, *who, "--received-at", "yesterday").code == 64
    assert cli.run(*words, *who, "--received-at", "2026-11-25T10:00:00").code == 64
    assert cli.run(*words, *who, "--received-at", "2999-01-01T00:00:00Z").code == 65
    assert cli.run(*words, *who, "--severity", "huge").code == 64
    assert cli.run(*words, *who, "--channel", "fax").code == 64
    assert cli.run(*words[:2], *who, "--subject", " \n", "--channel", "web").code == 65
    assert cli.run("ticket", "set", 1).code == 64
    assert cli.json("ticket", "list", "--all") == []
    assert home.rows(schema.contact) == []


def test_the_case_belongs_to_the_support_address_it_is_opened_for(
    home: House, cli: Counter
) -> None:
    """--to chooses team and sender of the letters."""
    made = create(cli, "--to", "vendas@acme.example")
    assert made["team"] == "sales"
    assert "vendas@acme.example" in str(sent(home)[0]["From"])


def test_moving_a_case_to_another_team_keeps_replies_on_it(
    home: House, cli: Counter
) -> None:
    """Which team works on a case is no business of the customer's: what they answer
    to the address they know still joins."""
    home.mail(message())
    cli.ok("ticket", "set", 1, "--team", "sales")
    reply(cli, 1, "Passei ao time de vendas.")
    letter = sent(home)[-1]
    home.clock.move(minutes=10)
    fate = home.mail(
        message(
            "Obrigada.",
            message_id="<m2@example.com>",
            In_Reply_To=str(letter["Message-ID"]),
        ),
        rcpt=str(letter["Reply-To"]),
    )
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", 1)


def test_a_hostile_name_or_subject_stays_one_header(home: House, cli: Counter) -> None:
    """What an agent pastes from elsewhere cannot add a header to a letter."""
    cli.ok(
        *("ticket", "create", "--requester", "a@x.example", "--channel", "web"),
        *("--subject", "x\r\nBcc: eve@other.example"),
        *("--name", "A\r\nBcc: eve@other.example"),
    )
    reply(cli, 1, "Olá\r\n.\r\nRCPT TO:<eve@other.example>\r\n")
    for letter in sent(home):
        assert letter["Bcc"] is None


@pytest.mark.parametrize(
    "address",
    [
        "a@x.example,b@y.example",
        '["a@x.example","b@y.example"]',
        "a@x%0ab@y.example",
        "a@x.example b@y.example",
        "a@x.example\r\nb@y.example",
    ],
)
def test_h17_one_requester_is_one_address(cli: Counter, address: str) -> None:
    """H-17: what could be two people opens no case, whichever channel it is for."""
    words = ("ticket", "create", "--requester", address, "--subject", "oi")
    assert cli.run(*words, "--channel", "web").code == 65
    assert cli.json("ticket", "list", "--all") == []
