"""Where a case goes, at the command line: ask, escalate, hand back, merge, split."""

from pathlib import Path
from typing import Any

import pytest

from chamado.daemon.store import schema
from tests.support.casework import Desk
from tests.support.counter import Counter, counter
from tests.support.house import House, message

BIA = ("--agent", "bia@acme.example")
MORE = """
[[agent]]
address = "dora@acme.example"
name = "Dora"
specialties = ["database", "Usability"]
"""


@pytest.fixture
def cli(tmp_path: Path, database_url: str) -> Counter:
    """The command line of a house with a specialist."""
    return counter(tmp_path, database_url, more=MORE)


def create(cli: Counter, requester: str = "ana@example.com", **more: str) -> int:
    """Open a case by phone."""
    subject = more.get("subject", "Tela azul")
    made = cli.json(
        *("ticket", "create", "--requester", requester, "--subject", subject),
        *("--channel", "phone", "--body-file", "-"),
        stdin=more.get("text", "Não abre."),
    )
    number: int = made["number"]
    return number


def test_asking_for_more(home: House, cli: Counter) -> None:
    """The letter is queued, the case waits, and its page says for what."""
    number = create(cli)
    done = cli.ok(
        *("ticket", "request-info", number, *BIA),
        *("--topic", "logs", "--topic", "headers", "--body-file", "-"),
        stdin="Olá, Ana.",
    )
    assert done.out == f"#{number}: asked, queued for ana@example.com\n"
    case = cli.json("ticket", "show", f"#{number}")
    assert case["status"] == "waiting"
    assert case["waiting_since"]
    kinds = [entry["kind"] for entry in case["entries"]]
    assert "info_request" in kinds
    texts = [e["text"] for e in case["entries"] if e["kind"] == "event"]
    assert "asked the customer for a log, the header of a mail" in texts
    page = cli.ok("ticket", "show", number).out
    assert "for the customer, since" in page
    assert "Olá, Ana." in page


def test_an_answer_shows_what_came_on_the_page(home: House, cli: Counter) -> None:
    """Whoever opens the case sees at a glance that it can go on."""
    desk = Desk(home)
    number = desk.opens()
    cli.ok("ticket", "request-info", number, *BIA, "--topic", "logs")
    log = ("erro.log", "text/plain", b"ERROR disk full")
    desk.answers(number, "Segue.", files=[log])
    page = cli.ok("ticket", "show", number).out
    assert "came: a log (erro.log)" in page
    assert "is open again: the customer wrote" in page


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("request-info", "1", *BIA), 65, "say what to ask for"),
        (("request-info", "1", *BIA, "--topic", "horoscope"), 64, "horoscope"),
        (("request-info", "9", *BIA, "--topic", "logs"), 66, "no ticket #9"),
        (("escalate", "1", *BIA, "--to", "astrology"), 65, "database, Usability"),
        (("escalate", "1", *BIA), 64, "--to"),
        (("handback", "1", *BIA), 65, "with no specialist"),
        (("merge", "1", "--into", "1"), 65, "into itself"),
        (("merge", "1", "--into", "9"), 66, "no ticket #9"),
        (("split", "1", "--entry", "1"), 65, "all there is on #1"),
        (("split", "1", "--entry", "-5"), 64, "no entry number"),
        (("request-info", "1", "--agent", "eve@x.example"), 77, "is no agent"),
        (("set", "1", "--tag", "..."), 0, ""),
        (("set", "1", "--tag", " , "), 65, "a tag needs"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    cli: Counter, words: tuple[str, ...], code: int, said: str
) -> None:
    """Exit codes of sysexits, and words that name the way out."""
    create(cli)
    done = cli.run("ticket", *words)
    assert (done.code, said in done.err) == (code, True)


def test_over_to_a_specialist_and_back(home: House, cli: Counter) -> None:
    """The case says who has it; the words are a note; nothing goes to the customer."""
    number = create(cli)
    letters = len(home.rows(schema.outbox))
    done = cli.ok(
        *("ticket", "escalate", number, *BIA, "--to", "usability"),
        *("--body-file", "-"),
        stdin="Olhe o índice.",
    )
    assert done.out == f"#{number}: with dora@acme.example (usability)\n"
    case = cli.json("ticket", "show", number)
    assert (case["status"], case["assignee"], case["specialty"]) == (
        "escalated",
        "dora@acme.example",
        "Usability",
    )
    (note,) = [e for e in case["entries"] if e["kind"] == "note"]
    assert (note["text"], note["public"]) == ("Olhe o índice.", False)
    back = cli.ok("ticket", "handback", number, "--agent", "dora@acme.example")
    assert back.out == f"#{number}: back with bia@acme.example\n"
    page = cli.ok("ticket", "show", number).out
    assert "handed to dora@acme.example, specialist for Usability" in page
    assert "handed back to bia@acme.example" in page
    assert len(home.rows(schema.outbox)) == letters


def test_merging_at_the_command_line(home: House, cli: Counter) -> None:
    """The case that stays is printed; the other one points to it."""
    first, second = create(cli), create(cli, subject="Tela azul de novo")
    done = cli.ok("ticket", "merge", second, "--into", f"#{first}", *BIA)
    assert done.out == f"#{first}: took in #{second}, 1 entries\n"
    gone = cli.json("ticket", "show", second)
    assert (gone["status"], gone["related"]) == (
        "closed",
        [{"number": first, "kind": "merged_into"}],
    )
    assert f"merged into #{first}" in cli.ok("ticket", "show", second).out
    refused = cli.run("ticket", "reply", second, *BIA, "--body-file", "-", stdin="x")
    assert (refused.code, f"merged into #{first}" in refused.err) == (65, True)


def test_r03_other_people_need_a_confirmation(cli: Counter) -> None:
    """R-03: 77 and words; with --confirm it is done."""
    first, second = create(cli), create(cli, "carlos@example.org")
    refused = cli.run("ticket", "merge", second, "--into", first)
    assert refused.code == 77
    assert "carlos@example.org" in refused.err
    assert "--confirm" in refused.err
    cli.ok("ticket", "merge", second, "--into", first, "--confirm")
    people = cli.json("ticket", "show", first)["participants"]
    assert {p["address"] for p in people} == {"ana@example.com", "carlos@example.org"}


def test_splitting_at_the_command_line(home: House, cli: Counter) -> None:
    """The new case is printed, with a link to where it came from."""
    desk = Desk(home)
    number = desk.opens()
    fate = desk.answers(number, "E a nota fiscal está errada.")
    words = ("ticket", "split", number, "--entry", fate["entry_id"])
    new = cli.json(*words, *BIA)
    assert new["number"] != number
    assert new["related"] == [{"number": number, "kind": "split_from"}]
    assert [e["text"].strip() for e in new["entries"] if e["kind"] == "inbound"] == [
        "E a nota fiscal está errada."
    ]
    assert f"a message became #{new['number']}" in cli.ok("ticket", "show", number).out


def test_tags_are_set_shown_and_searched_by(cli: Counter) -> None:
    """Lower case, each once; a list by tag finds exactly those that have it."""
    first, second = create(cli), create(cli, "b@example.com")
    changed = cli.json("ticket", "set", first, "--tag", "VIP", "--tag", "não-paga")
    assert changed["tags"] == ["vip", "não-paga"]
    cli.ok("ticket", "set", second, "--tag", "vip2", "--tag", "a%b")
    for tag, found in (
        ("VIP", [first]),
        ("não-paga", [first]),
        ("vip2", [second]),
        ("a%b", [second]),
        ("%", []),
        ("vi", []),
    ):
        listed = cli.json("ticket", "list", "--tag", tag)
        assert [case["number"] for case in listed] == found
    told = cli.ok("ticket", "set", first, "--untag", "vip").out
    assert told == f"#{first}: tags vip, não-paga → não-paga\n"
    assert cli.json("ticket", "show", first)["tags"] == ["não-paga"]
    assert "não-paga" in cli.ok("ticket", "show", first).out
    same = cli.ok("ticket", "set", first, "--tag", "não-paga").out
    assert same == f"#{first}: nothing to change\n"


def test_why_tells_the_word_and_the_rule(home: House, cli: Counter) -> None:
    """Triage is explained where everything else is."""
    fate = home.mail(message(subject="URGENTE: não entra"))
    answer = cli.json("why", fate["id"])
    assert answer["triage"] == ['word "urgente": severity high']
    assert 'word "urgente": severity high' in cli.ok("why", fate["id"]).out


def test_why_tells_that_thanks_do_not_reopen(home: House, cli: Counter) -> None:
    """L-22, in words for whoever wonders why the case rests."""
    desk = Desk(home)
    number = desk.opens()
    desk.resolve(number)
    fate = desk.answers(number, "Obrigada!")
    page = cli.ok("why", fate["id"]).out
    assert 'it only says "obrigada"' in page
    assert "says thank you and no more" in page


def one(cli: Counter, *words: object) -> dict[str, Any]:
    """Run a command that prints one object a line, and return the only one."""
    found = cli.ok(*words, "--json").json
    assert isinstance(found, dict)
    return found


def test_rules_are_tried_on_old_mail_without_changing_anything(
    home: House, tmp_path: Path, database_url: str
) -> None:
    """`ingest --dry-run` says what the rules make of mail that was filed long ago."""
    mail = tmp_path / "old.eml"
    mail.write_bytes(message(subject="Fatura em dobro, urgente"))
    home.mail(message(subject="Fatura em dobro, urgente"))
    more = MORE + (
        '[[rule]]\nname = "billing"\nsubject = "*fatura*"\nteam = "billing"\n'
        'tags = ["fatura"]\n[[rule]]\nname = "spam"\nsender = "*@news.example"\n'
        "suppress = true\n"
    )
    cli = counter(tmp_path, database_url, more=more)
    before = len(home.rows(schema.inbox))
    found = one(cli, "ingest", mail, "--dry-run")
    assert found["outcome"] == "duplicate"
    assert found["triage"] == {
        "severity": "high",
        "impact": "medium",
        "priority": "p2",
        "team": "billing",
        "tags": ["fatura"],
        "assignee": None,
        "suppress": None,
        "reasons": [
            'word "urgente": severity high',
            "rule billing: team billing, tag fatura",
        ],
    }
    blocked = tmp_path / "news.eml"
    blocked.write_bytes(
        message(sender="promo@news.example", message_id="<n@news.example>")
    )
    found = one(cli, "ingest", blocked, "--dry-run")
    assert (found["outcome"], found["triage"]["suppress"]) == ("suppressed", "spam")
    table = cli.ok("ingest", blocked, mail, "--dry-run").out
    assert "rule spam: no case" in table
    assert "p2; word" in table
    assert len(home.rows(schema.inbox)) == before
    assert len(home.rows(schema.ticket)) == 1


@pytest.mark.parametrize("language", ["pt-BR", "en", "es"])
@pytest.mark.parametrize(
    "kind", ["ack", "info_request", "reminder", "closed", "resolved", "reply"]
)
def test_a_letter_can_be_looked_at_before_it_is_sent(
    cli: Counter, kind: str, language: str
) -> None:
    """As text, as HTML, and as the bytes that would leave."""
    words = ("template", "preview", kind, "--language", language)
    text = cli.ok(*words).out
    assert text.startswith("Subject: ")
    assert "#1042" in text
    assert "Acme Suporte" in text
    html = cli.ok(*words, "--html").out
    assert html.startswith("<!doctype html>")
    assert f'lang="{language}"' in html
    raw = cli.ok(*words, "--raw").raw
    assert b"Message-ID: <" in raw


def test_a_preview_shows_one_topic_or_one_resolution(cli: Counter) -> None:
    """What is asked for and how it ended can be chosen, and the agent's words."""
    asked = cli.ok(
        *("template", "preview", "info_request", "--language", "en"),
        *("--topic", "headers", "--text", "Dear Ana"),
    ).out
    assert "Zimbra" in asked
    assert "Dear Ana" in asked
    assert "HAR" not in asked
    ended = cli.ok(
        *("template", "preview", "resolved", "--language", "es"),
        *("--resolution", "third_party"),
    ).out
    assert "otra empresa" in ended


@pytest.mark.parametrize("resolution", ["duplicate", "spam"])
def test_no_preview_shows_a_letter_that_nobody_gets(
    cli: Counter, resolution: str
) -> None:
    """Of duplicates and spam nobody is told, in one line."""
    words = ("template", "preview", "resolved", "--resolution", resolution)
    done = cli.run(*words)
    assert (done.code, done.out) == (65, "")
    (said,) = done.err.splitlines()
    assert f"nobody is told of a case resolved as {resolution}" in said


def test_a_preview_tells_what_is_broken_and_shows_what_customers_get(
    cli: Counter, tmp_path: Path
) -> None:
    """A wording of the operator's with a mistake: named, and ours is shown."""
    theirs = tmp_path / "templates" / "en" / "closed"
    theirs.mkdir(parents=True)
    (theirs / "body.txt").write_text("Bye, {{ nmae }}")
    text = cli.config.read_text()
    service = f'[service]\ntemplates = "{tmp_path / "templates"}"'
    cli.config.write_text(text.replace("[service]", service, 1))
    done = cli.ok("template", "preview", "closed", "--language", "en")
    assert "en/closed" in done.err
    assert "nmae" in done.err
    assert "we have closed case" in done.out


def test_a_preview_goes_into_a_file_but_over_none(cli: Counter, tmp_path: Path) -> None:
    """For looking at it in a browser."""
    page = tmp_path / "page.html"
    words = ("template", "preview", "closed", "--html", "--output", page)
    assert cli.ok(*words).out == f"{page}\n"
    assert page.read_text().startswith("<!doctype html>")
    assert cli.run(*words).code == 73
