"""Looking at cases: `ticket list`, `ticket show`, `ticket file`."""

from datetime import timedelta
from email.message import EmailMessage

from tests.support.counter import Counter
from tests.support.house import NOON, House, message

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\5\0\0\0\2\xd0\x08\2\0\0\0"

HEAD = {
    "number",
    "subject",
    "status",
    "priority",
    "severity",
    "impact",
    "channel",
    "language",
    "team",
    "assignee",
    "requester",
    "participants",
    "opened_at",
    "first_response_due",
    "first_response_at",
    "resolved_at",
    "resolution",
    "related",
    "survey",
}
ENTRY = {
    "id",
    "kind",
    "at",
    "public",
    "author",
    "subject",
    "text",
    "reply",
    "quoted",
    "html",
    "message_id",
    "auth",
    "flags",
    "inbox_id",
    "attachments",
}
FILE = {
    "id",
    "name",
    "content_type",
    "size",
    "sha256",
    "role",
    "content_id",
    "width",
    "height",
}


def with_screenshot(
    content: bytes = PNG + b"x" * 50_000, subject: str = "Tela"
) -> bytes:
    made = EmailMessage()
    made["From"], made["To"] = "Ana <ana@example.com>", "suporte@acme.example"
    made["Subject"], made["Message-ID"] = subject, "<shot@example.com>"
    made.set_content("Veja a tela.")
    made.add_attachment(content, maintype="image", subtype="png", filename="tela.png")
    return bytes(made)


def test_show_prints_every_key_of_the_contract(home: House, cli: Counter) -> None:
    """A case has every promised key, down to its files."""
    home.mail(with_screenshot())
    case = cli.json("ticket", "show", "#1")
    assert set(case) >= HEAD | {"entries"}
    assert all(set(entry) >= ENTRY for entry in case["entries"])
    inbound, ack = case["entries"]
    assert (inbound["kind"], ack["kind"]) == ("inbound", "ack")
    assert inbound["author"] == {
        "name": "Ana",
        "address": "ana@example.com",
        "role": "customer",
    }
    assert inbound["inbox_id"] == 1
    assert inbound["at"] == "2026-11-25T12:00:00.000Z"
    assert case["first_response_due"] == "2026-11-26T12:00:00.000Z"
    assert case["requester"] == {
        "name": "Ana",
        "address": "ana@example.com",
        "verified": False,
    }
    (file,) = inbound["attachments"]
    assert set(file) >= FILE
    assert (file["role"], file["width"], file["height"]) == ("screenshot", 1280, 720)
    assert "#1" in ack["text"]
    assert ack["message_id"].startswith("ack.1.")


def test_list_has_the_same_cases_without_their_entries(
    home: House, cli: Counter
) -> None:
    """A listed case equals the shown one but for its entries."""
    home.mail(message())
    (listed,) = cli.json("ticket", "list")
    shown = cli.json("ticket", "show", "1")
    del shown["entries"]
    assert listed == shown


def test_a_number_is_understood_with_and_without_its_sign(
    home: House, cli: Counter
) -> None:
    """#1 and 1 are the same case."""
    home.mail(message())
    assert cli.ok("ticket", "show", "#1").out == cli.ok("ticket", "show", "1").out


def test_a_case_that_is_not_there_ends_with_66(cli: Counter) -> None:
    """An unknown number is said in one line."""
    done = cli.run("ticket", "show", "99")
    assert done.code == 66
    assert done.err == "chamado: there is no ticket #99\n"


def test_a_number_that_is_none_is_a_usage_error(cli: Counter) -> None:
    """Rubbish in place of a number ends with 64."""
    for text in ("x", "1; DROP TABLE ticket", "-1", "9" * 30, "١"):
        assert cli.run("ticket", "show", "--", text).code == 64


def open_case(cli: Counter, subject: str, *more: str, who: str = "a@x.example") -> int:
    words = ("ticket", "create", "--requester", who, "--channel", "phone", "--no-ack")
    return int(cli.json(*words, "--subject", subject, *more)["number"])


def test_the_list_is_in_working_order(home: House, cli: Counter) -> None:
    """First by priority, then by time of opening."""
    early, late = "2026-11-20T10:00:00Z", "2026-11-21T10:00:00Z"
    open_case(cli, "late", "--received-at", late)
    open_case(cli, "early", "--received-at", early)
    open_case(cli, "urgent", "--severity", "critical", "--received-at", late)
    subjects = [case["subject"] for case in cli.json("ticket", "list")]
    assert subjects == ["urgent", "early", "late"]


def test_pages_of_the_list_join_without_gap_or_overlap(cli: Counter) -> None:
    """Going on behind the last case of a page shows each case once."""
    at = ["2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", "2026-11-19T10:00:00Z"]
    for number in range(7):
        severity = "high" if number % 2 else "low"
        time = at[number % 3]
        open_case(cli, f"{number}", "--severity", severity, "--received-at", time)
    whole = [case["number"] for case in cli.json("ticket", "list")]
    paged: list[int] = []
    while True:
        more = ("--after", paged[-1]) if paged else ()
        page = cli.json("ticket", "list", "--limit", 2, *more)
        if not page:
            break
        paged += [case["number"] for case in page]
    assert paged == whole
    assert len(whole) == 7


def test_filters_narrow_the_list(home: House, cli: Counter) -> None:
    """Each filter leaves exactly the cases it names."""
    open_case(cli, "one", who="ana@x.example")
    two = open_case(cli, "two", "--severity", "critical", who="bob@x.example")
    three = open_case(cli, "three", who="ana@x.example")
    cli.ok("ticket", "set", two, "--assignee", "Bia")
    cli.ok(
        *("ticket", "resolve", three, "--agent", "bia@acme.example"),
        *("--resolution", "spam"),
    )

    def found(*filters: str) -> set[str]:
        return {case["subject"] for case in cli.json("ticket", "list", *filters)}

    assert found() == {"one", "two"}
    assert found("--all") == {"one", "two", "three"}
    assert found("--status", "resolved") == {"three"}
    assert found("--status", "resolved", "--status", "new") == {"one", "two", "three"}
    assert found("--priority", "p1") == {"two"}
    assert found("--priority", "p2") == set()
    assert found("--assignee", "bia@acme.example") == {"two"}
    assert found("--requester", "Ana@x.example") == {"one"}
    assert found("--team", "sales") == set()


def test_search_takes_wildcards_literally(home: House, cli: Counter) -> None:
    """% and _ are what they look like, in subjects, texts and names."""
    open_case(cli, "100% cheio")
    open_case(cli, "100 cheio")
    open_case(cli, "outro", "--name", "João_Silva", who="j@x.example")
    cli.ok(
        *("ticket", "create", "--requester", "b@x.example", "--subject", "z"),
        *("--channel", "chat", "--no-ack", "--body-file", "-"),
        stdin="o arquivo a_b sumiu",
    )

    def found(words: str) -> set[str]:
        return {c["subject"] for c in cli.json("ticket", "list", "--search", words)}

    assert found("100%") == {"100% cheio"}
    assert found("CHEIO") == {"100% cheio", "100 cheio"}
    assert found("a_b") == {"z"}
    assert found("axb") == set()
    assert found("silva") == {"outro"}
    assert found("'; DROP TABLE ticket; --") == set()


def test_times_are_shown_in_the_zone_of_the_service(home: House, cli: Counter) -> None:
    """Noon in UTC is nine in São Paulo, and the page says which zone it means."""
    home.mail(message())
    shown = cli.ok("ticket", "show", "1").out
    assert "2026-11-25 09:00 (America/Sao_Paulo)" in shown
    assert "2026-11-25 09:00" in cli.ok("ticket", "list").out


def test_a_file_comes_out_as_it_came_in(home: House, cli: Counter) -> None:
    """A file is the same byte for byte, whether it lies in a row or a blob."""
    small, large = PNG + b"\r\n\x1b[31m", PNG + bytes(range(256)) * 400
    home.mail(with_screenshot(small, "a"))
    home.mail(with_screenshot(large, "b"))
    files = [
        file["id"]
        for number in (1, 2)
        for entry in cli.json("ticket", "show", number)["entries"]
        for file in entry["attachments"]
    ]
    assert [cli.ok("ticket", "file", id_).raw for id_ in files] == [small, large]
    assert cli.run("ticket", "file", 99).code == 66


def test_a_file_is_never_written_over_another(
    home: House, cli: Counter, tmp_path: object
) -> None:
    """--output refuses a name that is taken and writes nothing."""
    home.mail(with_screenshot())
    taken = cli.config.parent / "taken"
    taken.write_text("mine")
    assert cli.run("ticket", "file", 1, "--output", taken).code == 64
    assert taken.read_text() == "mine"
    cli.ok("ticket", "file", 1, "--output", cli.config.parent / "free")


def test_a_stranger_cannot_paint_the_terminal(home: House, cli: Counter) -> None:
    """Escape sequences, bidi controls and C1 controls of a mail are not obeyed."""
    evil = "x\x1b[2J\x9b31m\u202egpj.exe\u2066\x07"
    home.mail(
        message(
            f"corpo {evil}",
            subject="=?utf-8?q?a=1B[2J=C2=9B31m=E2=80=AEexe?=",
            sender="=?utf-8?q?A=1B]0;x=07na?= <ana@example.com>",
        ),
        mail_from="a\x1b[31m@example.com",
    )
    for command in (
        ("ticket", "list"),
        ("ticket", "show", 1),
        ("ticket", "show", 1, "--full"),
        ("inbox", "list"),
        ("inbox", "show", 1),
        ("why", 1),
    ):
        for done in (cli.ok(*command), cli.ok(*command, "--json")):
            assert not set(done.out) & set("\x1b\x9b\x07\u202e\u2066"), command


def test_quoted_text_is_left_out_until_asked_for(home: House, cli: Counter) -> None:
    """New words come first; --full shows all that was sent."""
    quoted = "Novo.\n\nEm 1 de jan, Ana <a@x> escreveu:\n> antigo\n> mais antigo\n"
    home.mail(message(quoted))
    case = cli.json("ticket", "show", 1)
    assert "antigo" in case["entries"][0]["text"]
    if "antigo" not in case["entries"][0]["reply"]:
        assert "> antigo" not in cli.ok("ticket", "show", 1).out
    assert "> antigo" in cli.ok("ticket", "show", 1, "--full").out


def test_related_cases_are_seen_from_both_sides(home: House, cli: Counter) -> None:
    """A stranger's mail that names a case is linked, and both cases say so."""
    home.mail(message())
    home.clock.move(minutes=5)
    home.mail(
        message(
            "Também.",
            sender="eve@other.example",
            subject="Re: [#1] Tela azul",
            message_id="<m2@other.example>",
        ),
        mail_from="eve@other.example",
    )
    first, second = (cli.json("ticket", "show", n)["related"] for n in (1, 2))
    assert second == [{"number": 1, "kind": "possibly_related"}]
    assert first == [{"number": 2, "kind": "possibly_related"}]


def test_a_full_page_says_how_to_go_on(home: House, cli: Counter) -> None:
    """Who sees only a part is told so, outside of the data."""
    open_case(cli, "one")
    open_case(cli, "two")
    done = cli.ok("ticket", "list", "--limit", "1")
    assert "--after 1" in done.err
    assert len(done.out.splitlines()) == 2


def test_an_answered_case_says_so_in_the_list(home: House, cli: Counter) -> None:
    """Once answered, the list shows no due time any more."""
    home.mail(message())
    assert str((NOON + timedelta(days=1)).date()) in cli.ok("ticket", "list").out
    cli.ok(
        *("ticket", "reply", 1, "--agent", "bia@acme.example", "--body-file", "-"),
        stdin="Olhamos.",
    )
    assert "answered" in cli.ok("ticket", "list").out.splitlines()[1]
