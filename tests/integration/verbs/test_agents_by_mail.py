"""Agents work by mail: they are told, they answer, and nobody can pose as one."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from chamado.config.address import Address
from chamado.config.settings import Agent, Agents, Listener
from chamado.daemon import actions, agents
from chamado.daemon.alarms import Alarms
from chamado.daemon.enclosed import Files
from chamado.daemon.store import schema
from chamado.daemon.store.engine import Store
from chamado.parsers.pool import ParserPool
from tests.support.house import SUPPORT, House, house, message

BIA = "bia@acme.example"
DAVI, EVA = "davi@acme.example", "eva@acme.example"
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


def _case(home: House) -> int:
    fate = home.mail(vouched("example.com") + message(), source=SOURCE)
    assert fate["ack"] == "queued"
    number: int = fate["ticket"]
    return number


def _told(home: House) -> list[EmailMessage]:
    home.clock.move(seconds=61)
    with home.store.write() as work:
        agents.tell(work, home.desk, home.clock())
    return _letters(home, "notice")


def _letters(home: House, kind: str) -> list[EmailMessage]:
    return [
        message_from_bytes(row["content"], policy=policy.default)  # type: ignore[misc]  # typeshed
        for row in home.rows(schema.outbox)
        if row["kind"] == kind
    ]


def _answer(home: House, notice: EmailMessage, text: str, **how: Any) -> dict[str, Any]:
    sender = how.pop("sender", BIA)
    raw = message(
        text,
        sender=f"Bia <{sender}>",
        subject=f"Re: {notice['Subject']}",
        message_id=how.pop("message_id", "<a1@acme.example>"),
        In_Reply_To=str(notice["Message-ID"]),
        **how.pop("headers", {}),
    )
    border = how.pop("border", vouched("acme.example"))
    rcpt = how.pop("rcpt", str(notice["Reply-To"].addresses[0].addr_spec))
    return home.mail(border + raw, source=SOURCE, mail_from=sender, rcpt=rcpt, **how)


def test_a_new_case_is_told_to_the_team_once(home: House) -> None:
    """The notice carries the customer's words, the case, and a way to answer."""
    number = _case(home)
    (notice,) = _told(home)
    assert notice["To"].addresses[0].addr_spec == BIA
    assert f"[#{number}]" in notice["Subject"]
    assert notice["Auto-Submitted"] == "auto-generated"
    body = notice.get_body(("plain",)).get_content()
    assert "A tela fica azul" in body
    assert "ana@example.com" in body
    assert len(_told(home)) == 1


def test_words_within_a_minute_are_one_notice(home: House) -> None:
    """A customer who writes in bursts does not flood the team."""
    number = _case(home)
    (ack,) = _letters(home, "ack")
    for n in range(3):
        home.mail(
            vouched("example.com")
            + message(
                f"mais isto {n}",
                message_id=f"<b{n}@example.com>",
                In_Reply_To=str(ack["Message-ID"]),
            ),
            source=SOURCE,
        )
        home.clock.move(seconds=5)
    (notice,) = _told(home)
    body = notice.get_body(("plain",)).get_content()
    assert all(f"mais isto {n}" in body for n in range(3))
    assert f"[#{number}]" in notice["Subject"]


def test_many_cases_at_once_are_one_digest(home: House) -> None:
    """A storm of cases reaches an agent as one list."""
    for n in range(12):
        home.mail(
            vouched(f"c{n}.example")
            + message(
                f"texto {n}", sender=f"p@c{n}.example", message_id=f"<{n}@c.example>"
            ),
            source=SOURCE,
            mail_from=f"p@c{n}.example",
        )
    assert _told(home) == []
    (digest,) = _letters(home, "digest")
    assert "[#" not in digest["Subject"]


def test_an_agents_answer_goes_to_the_customer_from_the_support_address(
    home: House,
) -> None:
    """The customer sees the support address alone, and the agent is told so."""
    number = _case(home)
    (notice,) = _told(home)
    fate = _answer(home, notice, "Olá, Ana. Tente de novo, por favor.")
    assert (fate["outcome"], fate["ticket"]) == ("agent_action", number)
    (reply,) = _letters(home, "reply")
    assert reply["To"].addresses[0].addr_spec == "ana@example.com"
    assert "Tente de novo" in reply.get_body(("plain",)).get_content()
    assert BIA not in reply.as_string()
    (confirmed,) = _letters(home, "confirmed")
    assert confirmed["To"].addresses[0].addr_spec == BIA
    (ticket,) = home.rows(schema.ticket)
    assert ticket["first_response_at"] is not None
    entry = home.rows(schema.entry)[-1]
    assert (entry["kind"], entry["inbox_id"]) == ("reply", fate["id"])


def test_a_note_stays_inside(home: House) -> None:
    """#note makes a note, and no letter goes to anybody but the agent."""
    _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "#note\nCliente VIP, cuidado SEGREDO-17.")
    assert _letters(home, "reply") == []
    entry = home.rows(schema.entry)[-1]
    assert (entry["kind"], entry["public"]) == ("note", False)
    for row in home.rows(schema.outbox):
        if row["rcpt_to"] != BIA:
            assert b"SEGREDO-17" not in row["content"]


def test_commands_are_done_and_send_no_empty_answer(home: House) -> None:
    """A mail of commands alone changes the case and says nothing to the customer."""
    _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "#priority p1\n#assign me")
    (ticket,) = home.rows(schema.ticket)
    assert (ticket["priority"], ticket["assignee"]) == ("p1", BIA)
    assert _letters(home, "reply") == []


def test_an_unknown_command_comes_back_and_nothing_is_done(home: House) -> None:
    """Neither the command nor the words behind it have any effect."""
    _case(home)
    (notice,) = _told(home)
    fate = _answer(home, notice, "#priority p1\n#closed\nObrigado, até logo.")
    assert fate["outcome"] == "agent_action"
    (ticket,) = home.rows(schema.ticket)
    assert ticket["priority"] == "p3"
    assert _letters(home, "reply") == []
    (returned,) = _letters(home, "returned")
    body = returned.get_body(("plain",)).get_content()
    assert "Motivo: #closed não é um comando; os comandos são #reply" in body
    assert "#priority p1\r\n#closed\r\nObrigado, até logo." in body


def test_a_command_below_the_first_words_never_reaches_the_customer(
    home: House,
) -> None:
    """It was meant for us: nothing is sent or done, and the whole mail comes back."""
    _case(home)
    (notice,) = _told(home)
    fate = _answer(home, notice, "Olá, tudo certo.\n#resolve answered")
    assert fate["outcome"] == "agent_action"
    (ticket,) = home.rows(schema.ticket)
    assert ticket["status"] == "new"
    assert _letters(home, "reply") == _letters(home, "confirmed") == []
    assert len(home.rows(schema.entry)) == 1
    (returned,) = _letters(home, "returned")
    body = returned.get_body(("plain",)).get_content()
    assert "Motivo: “#resolve answered” está abaixo do seu texto" in body
    assert "Olá, tudo certo.\r\n#resolve answered" in body


def test_code_and_quotations_in_an_answer_are_no_commands(home: House) -> None:
    """What merely looks like a command goes to the customer as it is written."""
    _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "Tente assim:\n#include <stdio.h>\n  #wait\nAbraço")
    (reply,) = _letters(home, "reply")
    assert "#include <stdio.h>" in reply.get_body(("plain",)).get_content()


@pytest.fixture
def two(store: Store, pool: ParserPool, tmp_path: Path) -> Iterator[House]:
    """A house with two agents of the desk and one of another team."""
    people = (
        Agent(address=BIA, name="Bia", teams=("support",)),
        Agent(address=DAVI, name="Davi", teams=("support",)),
        Agent(address=EVA, name="Eva", teams=("sales",)),
    )
    with house(store, pool, tmp_path, listener=(DOOR,), agent=people) as built:
        yield built


def _fresh(home: House, subject: str, text: str, **how: Any) -> dict[str, Any]:
    sender = how.get("sender", DAVI)
    raw = message(text, sender=sender, subject=subject, message_id="<f@acme.example>")
    border = how.get("border", vouched("acme.example"))
    return home.mail(border + raw, source=SOURCE, mail_from=sender)


def _came_back(home: House, number: int | None, to: str) -> EmailMessage:
    """The one letter that brings a mail back, after which nothing is new."""
    (returned,) = _letters(home, "returned")
    assert returned["To"].addresses[0].addr_spec == to
    assert _letters(home, "reply") == _letters(home, "confirmed") == []
    assert len(home.rows(schema.ticket)) == len(home.rows(schema.entry)) == 1
    assert ("[#" in returned["Subject"]) is (number is not None)
    return returned


def test_commands_in_a_fresh_mail_come_back_and_the_way_back_works(
    two: House,
) -> None:
    """An agent who names the case only by number is no new customer."""
    number = _case(two)
    fate = _fresh(two, f"[#{number}] nota", "#note Cliente VIP.\nCuidado.")
    assert (fate["outcome"], fate["ticket"]) == ("agent_action", number)
    returned = _came_back(two, number, DAVI)
    body = returned.get_body(("plain",)).get_content()
    assert "Motivo: comandos só valem na resposta a um aviso seu" in body
    assert "#note Cliente VIP.\r\nCuidado." in body
    _answer(two, returned, "#note\nCliente VIP.", sender=DAVI)
    assert two.rows(schema.entry)[-1]["kind"] == "note"


@pytest.mark.parametrize("text", ["#priority p1", "Olá, Ana. Já vejo."])
@pytest.mark.parametrize("who", [DAVI, EVA])
def test_h02_an_answer_to_a_colleagues_notice_is_a_case_of_its_own(
    two: House, who: str, text: str
) -> None:
    """H-02: what was made for another agent entitles nobody, in his team or not."""
    number = _case(two)
    to_bia = next(n for n in _told(two) if n["To"].addresses[0].addr_spec == BIA)
    fate = _answer(two, to_bia, text, sender=who)
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != number
    assert two.rows(schema.ticket)[0]["priority"] == "p3"
    assert _letters(two, "reply") == []


def test_a_command_on_a_case_of_another_team_comes_back_without_it(two: House) -> None:
    """The letter has neither the case's number nor a reply token."""
    number = _case(two)
    _fresh(two, f"[#{number}] nota", "#note\nx", sender=EVA)
    returned = _came_back(two, None, EVA)
    assert returned["Reply-To"].addresses[0].addr_spec == "suporte@acme.example"
    assert f"#{number}" not in returned.get_body(("plain",)).get_content()


def test_commands_about_no_case_come_back(two: House) -> None:
    """A mail that begins with a command is meant for us, whatever its subject."""
    _case(two)
    fate = _fresh(two, "nota", "#nota\nCliente VIP.")
    assert (fate["outcome"], fate["ticket"]) == ("agent_action", None)
    body = _came_back(two, None, DAVI).get_body(("plain",)).get_content()
    assert "não responde a nenhum" in body


@pytest.mark.parametrize(
    "how",
    [
        {"border": b""},
        {"sender": "ze@example.com", "border": vouched("example.com")},
        {"text": "Meu computador quebrou."},
        {"text": "#include <x>"},
    ],
)
def test_other_mail_of_agents_and_of_who_is_none_opens_a_case(
    two: House, how: dict[str, Any]
) -> None:
    """Without proof, or without a command of ours, it is a customer's mail."""
    number = _case(two)
    asked = {"text": "#note\nx"} | how
    fate = _fresh(two, f"[#{number}] nota", **asked)
    assert fate["outcome"] == "ticket_opened"
    assert _letters(two, "returned") == []


def test_a_command_that_cannot_be_done_undoes_the_answer_too(home: House) -> None:
    """All or nothing: an answer does not leave when its command is refused."""
    _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "#assign ninguem@acme.example\nJá respondo.")
    assert _letters(home, "reply") == []
    assert len(_letters(home, "returned")) == 1
    assert len(home.rows(schema.entry)) == 1


def test_the_words_of_an_answer_that_ends_a_case_are_in_one_letter(
    home: House,
) -> None:
    """The customer reads one letter, with the files, and the promise is kept."""
    number = _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "#resolve answered\nTroque a senha.\n")
    assert _letters(home, "reply") == []
    (letter,) = _letters(home, "resolved")
    body = letter.get_body(("plain",))
    assert body is not None
    assert "Troque a senha." in body.get_content()
    (confirmed,) = _letters(home, "confirmed")
    assert "resolve answered" in str(confirmed.get_body(("plain",)))
    said = home.rows(schema.entry)[-1]
    assert (said["kind"], said["public"]) == ("reply", True)
    row = next(t for t in home.rows(schema.ticket) if t["number"] == number)
    assert row["status"] == "resolved"
    assert row["first_response_at"] is not None


def test_the_words_of_a_spam_stay_inside(home: House) -> None:
    """Nobody is told of it, so they are a note, and the agent hears that."""
    _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "#resolve spam\nDe novo esse.\n")
    assert _letters(home, "reply") == _letters(home, "resolved") == []
    assert [e["kind"] for e in home.rows(schema.entry)] == ["inbound", "note"]


def test_the_reason_is_in_the_language_of_the_letter_that_says_it(home: House) -> None:
    """No sentence is half Portuguese and half English, whoever refused."""
    _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "#assign x@acme.example\nJá.", message_id="<r1@acme.example>")
    _answer(home, notice, "#wait já", message_id="<r2@acme.example>")
    _answer(home, notice, "#escalate banco", message_id="<r3@acme.example>")
    _answer(home, notice, "#resolve answered", message_id="<r4@acme.example>")
    _answer(home, notice, "Mais isto.\n\nBia", message_id="<r5@acme.example>")
    _answer(home, notice, "#wait", message_id="<r6@acme.example>")
    bodies = [
        letter.get_body(("plain",)).get_content()
        for letter in _letters(home, "returned")
    ]
    whys = [
        line for body in bodies for line in body.split("\n") if line[:7] == "Motivo:"
    ]
    assert "não é atendente aqui" in whys[0]
    assert "que não leva nada" in whys[1]
    assert "ninguém tem especialidade aqui" in whys[2]
    assert "está resolvido" in whys[3]


def test_a_promise_near_its_end_and_a_missed_one_are_told_once_each(
    home: House,
) -> None:
    """Whoever works on the case hears before it is late, and when it is."""
    _case(home)
    _told(home)
    alarms = Alarms(
        home.store,
        home.clock,
        lambda: home.desk.promises,
        [
            lambda work, n, promise, what: agents.on_due(
                work, n, promise, what, home.clock()
            )
        ],
    )
    home.clock.move(hours=23, minutes=30)
    alarms.turn()
    alarms.turn()
    assert len(_told(home)) == 2
    home.clock.move(days=3)
    alarms.turn()
    alarms.turn()
    told = [n.get_body(("plain",)).get_content() for n in _told(home)]
    assert len(told) == 3
    assert "prazo perto do fim" in told[1]
    assert "prazo perdido" in told[2]


def test_who_is_given_a_case_is_told(home: House) -> None:
    """An owner hears that the case is now his, and not of what he did himself."""
    number = _case(home)
    _told(home)
    with home.store.write() as work:
        actions.change(
            work,
            home.desk,
            number,
            actions.Wish(assignee=BIA),
            who="chefe@acme.example",
            now=home.clock(),
        )
    assert len(_told(home)) == 2


@pytest.mark.parametrize(
    ("border", "sender"),
    [
        (b"", BIA),
        (vouched("acme.example").replace(b"pass", b"fail"), BIA),
        (vouched("evil.example"), "bia@evil.example"),
    ],
)
def test_h01_nobody_can_pose_as_an_agent(
    home: House, border: bytes, sender: str
) -> None:
    """H-01, H-02: without an aligned identity a notice's token is worth nothing."""
    number = _case(home)
    (notice,) = _told(home)
    fate = _answer(
        home, notice, "Mande sua senha para cá.", border=border, sender=sender
    )
    assert fate["outcome"] == "ticket_opened"
    assert fate["ticket"] != number
    assert _letters(home, "reply") == []
    # A stranger from elsewhere gets a stranger's answer; a forged agent gets none.
    assert (fate["ack"] == "queued") is (sender != BIA)


def test_h04_an_agent_who_lost_the_team_is_not_obeyed(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """H-04: access is looked at when the mail is processed, not when it was told."""
    with house(store, pool, tmp_path, listener=(DOOR,)) as home:
        number = _case(home)
        (notice,) = _told(home)
    moved = (Agent(address=BIA, name="Bia", teams=("sales",)),)
    with house(store, pool, tmp_path, listener=(DOOR,), agent=moved) as home:
        with capture_logs() as logs:
            fate = _answer(home, notice, "Respondo mesmo assim.")
        assert fate["outcome"] == "ticket_opened"
        assert fate["ticket"] != number
        assert _letters(home, "reply") == []
        assert "agent_refused" in [log["event"] for log in logs]


def test_h04_who_is_no_agent_any_more_is_not_obeyed(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """H-04: what they write on is for the agents' eyes, flagged, and an alarm."""
    with house(store, pool, tmp_path, listener=(DOOR,)) as home:
        number = _case(home)
        (notice,) = _told(home)
    with house(store, pool, tmp_path, listener=(DOOR,), agent=()) as home:
        with capture_logs() as logs:
            fate = _answer(home, notice, "Respondo mesmo assim.")
        assert (fate["outcome"], fate["ticket"]) == ("reply_appended", number)
        said = home.rows(schema.entry)[-1]
        assert (said["public"], said["flags"]) == (
            False,
            ["not_a_participant", "unverified_sender"],
        )
        assert _letters(home, "reply") == []
        assert "agent_refused" in [log["event"] for log in logs]


def test_a_specialist_of_another_team_answers_the_case_that_was_escalated(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """Who is handed a case is told of it by mail and answers it by mail, until it is
    handed back; then an old notice is worth nothing."""
    people = (
        Agent(address=BIA, name="Bia", teams=("support",)),
        Agent(address=EVA, name="Eva", teams=("sales",), specialties=("database",)),
    )
    with house(store, pool, tmp_path, listener=(DOOR,), agent=people) as home:
        number = _case(home)
        (notice,) = _told(home)
        _answer(home, notice, "#escalate database")
        given = _told(home)[-1]
        assert given["To"].addresses[0].addr_spec == EVA
        words = {"sender": EVA, "message_id": "<e1@acme.example>"}
        fate = _answer(home, given, "Olá, Ana. Falta um índice.", **words)
        assert (fate["outcome"], fate["ticket"]) == ("agent_action", number)
        (reply,) = _letters(home, "reply")
        assert "Falta um índice" in reply.get_body(("plain",)).get_content()
        with home.store.write() as work:
            eva = Address(name="Eva", address=EVA)
            now = home.clock()
            actions.hand_back(work, home.desk, number, eva, "", now=now)
        late = {"sender": EVA, "message_id": "<e2@acme.example>"}
        fate = _answer(home, given, "Mais uma coisa, Ana.", **late)
        assert fate["outcome"] == "ticket_opened"
        assert len(_letters(home, "reply")) == 1


def _quoting(notice: EmailMessage) -> str:
    """An answer as mail programs make it, with the notice below."""
    told = notice.get_body(("plain",))
    assert told is not None
    return "".join(f"> {line}\n" for line in told.get_content().split("\n"))


@pytest.mark.parametrize(
    ("words", "copies", "history"), [(1, 600, 1), (1, 0, 400), (40_000, 0, 1)]
)
def test_what_was_not_read_whole_does_not_go_to_the_customer(
    home: House, words: int, copies: int, history: int
) -> None:
    """Six hundred in copy, a long history, long words: it comes back with the reason,
    for the notice below the words was not told apart from them."""
    number = _case(home)
    (notice,) = _told(home)
    said = f"{'Ola. ' * words}\n\nEm 25/11/2026 Suporte <{SUPPORT}> escreveu:\n"
    cc = ", ".join(f"x{n}@acme.example" for n in range(copies))
    fate = _answer(
        home,
        notice,
        f"#priority p1\n{said}{_quoting(notice) * history}",
        headers={"Cc": cc} if cc else {},
    )
    assert fate["outcome"] == "agent_action"
    assert _letters(home, "reply") == []
    (returned,) = _letters(home, "returned")
    told = returned.get_body(("plain",))
    assert told is not None
    assert "menos histórico" in told.get_content()
    assert [row["priority"] for row in home.rows(schema.ticket)] == ["p3"]
    assert number == fate["ticket"]


def test_the_raw_mail_of_an_agent_is_no_file_of_the_note(home: House) -> None:
    """It was attached because something was left out; it holds the notice's address."""
    _case(home)
    (notice,) = _told(home)
    cc = ", ".join(f"x{n}@acme.example" for n in range(600))
    _answer(home, notice, f"#note\nVi.\n{_quoting(notice)}", headers={"Cc": cc})
    note = home.rows(schema.entry)[-1]
    assert (note["kind"], note["public"]) == ("note", False)
    assert home.rows(schema.attachment) == []


def test_customers_see_who_writes_where_that_is_wanted(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """`agents.show_address`: From is the agent; answers and bounces are still ours."""
    shown = Agents(show_address=True)
    with house(store, pool, tmp_path, listener=(DOOR,), agents=shown) as home:
        number = _case(home)
        (notice,) = _told(home)
        _answer(home, notice, "Olhamos.")
        (letter,) = _letters(home, "reply")
        assert str(letter["From"]) == f"Bia <{BIA}>"
        assert letter["Reply-To"].addresses[0].addr_spec.startswith("suporte+")
        row = next(r for r in home.rows(schema.outbox) if r["kind"] == "reply")
        assert row["mail_from"] == SUPPORT
        with home.store.write() as work:
            stranger = Address(name="Zé", address="ze@elsewhere.example")
            actions.reply(
                work, home.desk, number, stranger, "Oi.", Files(), now=home.clock()
            )
        last = _letters(home, "reply")[-1]
        assert last["From"].addresses[0].addr_spec == SUPPORT


def test_h05_an_agents_out_of_office_never_reaches_the_customer(home: House) -> None:
    """H-05: what a machine says for an agent is noted and goes no further."""
    _case(home)
    (notice,) = _told(home)
    fate = _answer(
        home, notice, "Estou de férias.", headers={"Auto_Submitted": "auto-replied"}
    )
    assert fate["outcome"] == "agent_action"
    assert _letters(home, "reply") == []
    assert _letters(home, "confirmed") == []
    assert home.rows(schema.entry)[-1]["kind"] == "note"


def test_answers_by_mail_can_be_notes_or_off(
    store: Store, pool: ParserPool, tmp_path: Path
) -> None:
    """`agents.by_mail` says what an answer without a command is."""
    for number, (mode, kinds) in enumerate((("note", ["note"]), ("off", ["note"]))):
        with house(
            store, pool, tmp_path, listener=(DOOR,), agents=Agents(by_mail=mode)
        ) as home:
            home.clock.move(days=number)
            case = home.mail(
                vouched("example.com")
                + message(f"caso {mode}", message_id=f"<{mode}@x>"),
                source=SOURCE,
            )["ticket"]
            notice = _told(home)[-1]
            _answer(home, notice, f"palavras {mode}", message_id=f"<r{mode}@x>")
            said = [e["kind"] for e in home.rows(schema.entry) if e["ticket"] == case]
            assert said == ["inbound", *kinds]
            assert _letters(home, "reply") == []


def test_an_answer_from_the_agents_own_program_is_attached(home: House) -> None:
    """With the support address in copy it is on the case, and is not sent again."""
    number = _case(home)
    (ack,) = _letters(home, "ack")
    raw = message(
        "Respondi direto pelo meu e-mail.",
        sender=f"Bia <{BIA}>",
        to="Ana <ana@example.com>",
        subject=f"Re: {ack['Subject']}",
        message_id="<own@acme.example>",
        Cc="suporte@acme.example",
        In_Reply_To="<m1@example.com>",
    )
    fate = home.mail(vouched("acme.example") + raw, source=SOURCE, mail_from=BIA)
    assert (fate["outcome"], fate["ticket"]) == ("agent_action", number)
    assert _letters(home, "reply") == []
    entry = home.rows(schema.entry)[-1]
    assert (entry["kind"], entry["author_role"]) == ("reply", "agent")
    (ticket,) = home.rows(schema.ticket)
    assert ticket["first_response_at"] is not None


def test_an_agent_who_is_the_customer_and_copies_himself_asks_and_answers_not(
    home: House,
) -> None:
    """Writing to us with himself in copy keeps no promise that he waits for."""
    first = message("Meu laptop não liga.", sender=f"Bia <{BIA}>", message_id="<q1@a>")
    asked = home.mail(vouched("acme.example") + first, source=SOURCE, mail_from=BIA)
    again = message(
        "Ainda não liga. Alguém aí?",
        sender=f"Bia <{BIA}>",
        message_id="<q2@a>",
        Cc=BIA,
        In_Reply_To="<q1@a>",
    )
    fate = home.mail(vouched("acme.example") + again, source=SOURCE, mail_from=BIA)
    assert (fate["outcome"], fate["ticket"]) == ("reply_appended", asked["ticket"])
    roles = [entry["author_role"] for entry in home.rows(schema.entry)]
    assert roles == ["customer", "customer"]
    (ticket,) = home.rows(schema.ticket)
    assert ticket["first_response_at"] is None


def test_an_answer_that_comes_again_by_another_way_is_no_alarm(home: House) -> None:
    """It was judged when it came first; the copy in a mailbox is only a copy."""
    _case(home)
    (notice,) = _told(home)
    fate = _answer(home, notice, "Olá, Ana.")
    raw = next(r["raw"] for r in home.rows(schema.inbox) if r["id"] == fate["id"])
    with capture_logs() as logs:
        again = home.mail(raw, source="imap:copies")
    assert again["outcome"] == "duplicate"
    assert "agent_refused" not in [log["event"] for log in logs]


@pytest.mark.parametrize("proven", [True, False])
def test_a_number_in_the_subject_reopens_only_for_proven_people_who_take_part(
    home: House, proven: bool
) -> None:
    """As the manual says: from others, and without proof, it is a new case."""
    number = _case(home)
    (notice,) = _told(home)
    _answer(home, notice, "#resolve answered")
    raw = message(
        "Ainda não abre.", subject=f"[#{number}] tela", message_id="<n@example.com>"
    )
    fate = home.mail((vouched("example.com") if proven else b"") + raw, source=SOURCE)
    assert (fate["ticket"] == number) is proven
    status = home.rows(schema.ticket)[0]["status"]
    assert status == ("open" if proven else "resolved")
