"""The page of a survey: what records, what only shows, what is refused and how."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from html import unescape

import pytest

from chamado.daemon.core.survey import COMMENT_CHARS
from chamado.daemon.http import patience, survey
from chamado.daemon.http.throttle import Throttle, network
from chamado.daemon.store import cases, schema
from tests.support.house import House
from tests.support.polls import BASE, Page, Site, asked, events, shown, site, token_of

COUNTED = ("state", "score", "comment", "via")
FORM = "application/x-www-form-urlencoded"


def vote(home: House, number: int) -> tuple[object, ...]:
    """What a case says of its survey."""
    survey = shown(home, number)["survey"]
    return tuple(survey[name] for name in COUNTED)


NONE = ("sent", None, "", None)


def chosen(page: Page) -> str | None:
    """The score that a page has chosen in advance."""
    found = re.findall(r'value="(\d)" required checked', page.text)
    return found[0] if found else None


def words(page: Page) -> str:
    """What a person reads on a page."""
    body = page.text.partition("</head>")[2]
    return unescape(re.sub(r"<[^>]+>", " ", body))


def test_v01_looking_at_every_link_votes_nothing(home: House, web: Site) -> None:
    """A scanner opens all five links at once, and asks for their heads too."""
    number, letter = asked(home)
    token = token_of(letter)
    links = [f"/survey/{token}?score={n}" for n in range(1, 6)] * 5
    with ThreadPoolExecutor(10) as visitors:
        seen = list(visitors.map(web.get, links))
        heads = list(visitors.map(lambda path: web.ask("HEAD", path), links))
    assert {page.status for page in (*seen, *heads)} == {200}
    assert {chosen(page) for page in seen} == {"1", "2", "3", "4", "5"}
    assert all(page.form.method == "post" for page in seen)
    assert {page.text for page in heads} == {""}
    assert vote(home, number) == NONE
    assert home.rows(schema.vote) == []


def test_v01_a_scanner_that_sends_every_form_is_not_believed(
    home: House, web: Site
) -> None:
    """Five scores within seconds: none counts, and the page asks again."""
    number, letter = asked(home)
    token = token_of(letter)
    seen = [web.vote(token, n) for n in range(1, 6)]
    assert [page.status for page in seen] == [200, 200, 409, 409, 409]
    assert "nenhuma foi gravada" in words(seen[-1])
    survey = shown(home, number)["survey"]
    assert vote(home, number)[:2] == ("sent", None)
    assert survey["reason"] == "scores_in_a_hurry"
    assert events(home, number).count("survey_doubted") == 3
    home.clock.move(seconds=30)
    assert web.vote(token, 4).status == 200
    assert vote(home, number) == ("answered", 4, "", "web")
    assert shown(home, number)["survey"]["reason"] is None
    assert len(home.rows(schema.vote)) == 6


def test_v02_a_form_that_is_sent_is_one_vote(home: House, web: Site) -> None:
    """Score and comment are on the case, and the page says what was written down."""
    number, letter = asked(home)
    page = web.vote(token_of(letter), 5, "Rápido e gentil.\r\nObrigada!")
    assert page.status == 200
    assert "5 · Muito bom" in words(page)
    assert "Rápido e gentil.\nObrigada!" in words(page)
    assert vote(home, number) == (
        "answered",
        5,
        "Rápido e gentil.\nObrigada!",
        "web",
    )
    assert shown(home, number)["survey"]["answered_at"] == home.clock.now
    assert len(home.rows(schema.vote)) == 1
    assert shown(home, number)["status"] == "resolved"


def test_v02_sending_the_same_form_twice_is_one_vote(home: House, web: Site) -> None:
    """A double click, or a page that is loaded again."""
    number, letter = asked(home)
    token = token_of(letter)
    assert {web.vote(token, 4, "ok").status for _ in range(3)} == {200}
    assert len(home.rows(schema.vote)) == 1
    assert events(home, number).count("survey_answered") == 1


def test_two_clicks_at_once_are_two_votes_one_after_the_other(
    home: House, web: Site
) -> None:
    """Neither is lost, and one of them is the answer."""
    number, letter = asked(home)
    token = token_of(letter)
    with ThreadPoolExecutor(2) as visitors:
        pages = list(visitors.map(lambda n: web.vote(token, n), (4, 5)))
    assert [page.status for page in pages] == [200, 200]
    scores = [row["score"] for row in home.rows(schema.vote)]
    assert sorted(scores) == [4, 5]
    assert vote(home, number)[1] == scores[-1]


def test_an_answer_can_be_changed_until_it_expires(home: House, web: Site) -> None:
    """The page shows the last answer, and the history keeps every one."""
    number, letter = asked(home)
    token = token_of(letter)
    web.vote(token, 2, "Demorou.")
    home.clock.move(days=3)
    page = web.get(f"/survey/{token}")
    assert chosen(page) == "2"
    assert ">\nDemorou.</textarea>" in page.text
    web.vote(token, 4, "Depois melhorou.")
    assert vote(home, number)[:3] == ("answered", 4, "Depois melhorou.")
    scores = [(row["score"], row["comment"]) for row in home.rows(schema.vote)]
    assert scores == [(2, "Demorou."), (4, "Depois melhorou.")]


def test_who_changes_an_answer_for_ever_is_not_heard_any_more(
    home: House, web: Site
) -> None:
    """A hundred changes are kept, the next one is not."""
    number, letter = asked(home)
    token = token_of(letter)
    for turn in range(100):
        home.clock.move(seconds=10)
        assert web.vote(token, 3, f"turno {turn}").status == 200
    home.clock.move(seconds=10)
    assert web.vote(token, 3, "mais um").status == 429
    assert vote(home, number)[2] == "turno 99"
    assert len(home.rows(schema.vote)) == 100


@pytest.mark.parametrize(
    "spoil",
    [
        lambda t: t[:-1] + ("a" if t[-1] != "a" else "b"),
        lambda t: t[:-1],
        lambda t: t + "a",
        lambda t: "1",
        lambda t: "a" * 26,
        lambda t: "a" * 8000,
        lambda t: "%00%ff%F0%9F%98%80",
        lambda t: "..%2f..%2fetc%2fpasswd",
        lambda t: "%20",
        lambda t: "'%20OR%201=1--",
    ],
)
def test_v04_a_wrong_token_is_told_nothing(
    home: House, web: Site, spoil: object
) -> None:
    """Edited, cut, guessed: the same 403 and the same page for every one of them."""
    assert callable(spoil)
    number, letter = asked(home)
    token = token_of(letter)
    good = web.get(f"/survey/{token}").form.fields
    nobody = web.get("/survey/nobody")
    wrong = f"/survey/{spoil(token)}"
    pages = [
        web.get(wrong),
        web.get(f"{wrong}?score=5"),
        web.post(wrong, {**good, "score": "5"}),
        web.post(wrong, {"score": "5"}),
        web.get(f"{wrong}/unsubscribe"),
        web.post(f"{wrong}/unsubscribe", {"List-Unsubscribe": "One-Click"}),
    ]
    for page in pages:
        if "%2f" in wrong:
            assert page.status in (403, 404)
            continue
        assert (page.status, page.text) == (403, nobody.text)
        assert token not in page.text
    assert vote(home, number) == NONE
    assert not any(row["no_surveys"] for row in home.rows(schema.contact))


def test_v05_an_old_survey_says_that_it_has_ended(home: House, web: Site) -> None:
    """Ninety days later, whether it is looked at or sent; nothing is recorded."""
    number, letter = asked(home)
    token = token_of(letter)
    form = web.get(f"/survey/{token}").form.fields
    home.clock.move(days=90)
    for page in (
        web.get(f"/survey/{token}?score=5"),
        web.post(f"/survey/{token}", {**form, "score": "5"}),
    ):
        assert page.status == 410
        assert "já terminou" in words(page)
        assert "<form" not in page.text
    assert vote(home, number) == NONE


def test_v06_a_post_needs_the_form_of_the_page(home: House, web: Site) -> None:
    """No nonce, a spoilt one, another survey's, or one of yesterday: ask again."""
    number, letter = asked(home)
    token = token_of(letter)
    other = token_of(asked(home, sender="Rui <rui@example.com>")[1])
    nonce = web.get(f"/survey/{token}").form.fields["nonce"]
    foreign = web.get(f"/survey/{other}").form.fields["nonce"]
    for bad in ({}, {"nonce": ""}, {"nonce": nonce[:-1]}, {"nonce": foreign}):
        page = web.post(f"/survey/{token}", {**bad, "score": "4", "comment": "olá"})
        assert page.status == 403
        assert chosen(page) == "4"
        assert ">\nolá</textarea>" in page.text
    home.clock.move(days=1, seconds=1)
    old = web.post(f"/survey/{token}", {"nonce": nonce, "score": "4"})
    assert old.status == 403
    assert "nada foi gravado" in words(old)
    assert vote(home, number) == NONE
    again = web.post(f"/survey/{token}", {**old.form.fields, "score": "4"})
    assert again.status == 200
    assert vote(home, number)[:2] == ("answered", 4)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"{BASE}.evil.example"}, 403),
        ({"Origin": "http://support.acme.example"}, 403),
        ({"Origin": "https://evil.example", "Host": "evil.example"}, 403),
        ({"Origin": "null", "Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Content_Type": "application/json"}, 415),
        ({"Content_Type": "text/plain"}, 415),
        ({"Content_Type": "multipart/form-data; boundary=x"}, 415),
        ({"Content_Type": ""}, 415),
        ({"Origin": BASE}, 200),
        ({"Origin": "null", "Sec_Fetch_Site": "same-origin"}, 200),
        ({"Content_Type": f"{FORM.upper()}; charset=UTF-8"}, 200),
    ],
)
def test_v06_only_our_own_form_is_taken(
    home: House, web: Site, headers: dict[str, str], status: int
) -> None:
    """Another site's form, another kind of content: refused before anything is read."""
    number, letter = asked(home)
    page = web.vote(token_of(letter), 5, **headers)
    assert page.status == status
    assert (vote(home, number) == NONE) is (status != 200)


@pytest.mark.parametrize(
    "score", ["", "0", "6", "-1", "5.0", "٥", "five", "5 ", "55", "5\x00"]
)
def test_v06_what_is_no_score_is_asked_for_again(
    home: House, web: Site, score: str
) -> None:
    """The words stay where they are."""
    number, letter = asked(home)
    token = token_of(letter)
    form = web.get(f"/survey/{token}").form.fields
    page = web.post(f"/survey/{token}", {**form, "score": score, "comment": "olá"})
    assert page.status == 422
    assert "Escolha uma nota de 1 a 5" in words(page)
    assert ">\nolá</textarea>" in page.text
    assert vote(home, number) == NONE


def test_v07_a_comment_is_cut_and_cleaned(home: House, web: Site) -> None:
    """NUL, markup, ten thousand line ends, sixty thousand letters: text, and short."""
    number, letter = asked(home)
    token = token_of(letter)
    web.vote(
        token, 3, "a\x00b<script>alert(1)</script>" + "\n" * 10_000 + "fim\x1b[31m"
    )
    comment = shown(home, number)["survey"]["comment"]
    assert comment == "ab<script>alert(1)</script>\n\nfim[31m"
    page = web.get(f"/survey/{token}")
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    home.clock.move(minutes=1)
    web.vote(token, 3, "x" * 60_000)
    comment = shown(home, number)["survey"]["comment"]
    assert comment == "x" * COMMENT_CHARS


@pytest.mark.parametrize(
    "body",
    [
        b"score=5&comment=%ff%fe%00&nonce=",
        b"score=5&comment=\xff\xfe\x00&nonce=",
        b"%" * 1000,
        b"&" * 60_000,
        b"=" * 60_000,
        b"a=1&" * 15_000,
        b"",
    ],
)
def test_v07_a_broken_form_is_refused(home: House, web: Site, body: bytes) -> None:
    """Not UTF-8, not urlencoded, thousands of fields: no vote and no error of ours."""
    number, letter = asked(home)
    path = f"/survey/{token_of(letter)}"
    assert web.ask("POST", path, body, Content_Type=FORM).status == 403
    assert vote(home, number) == NONE


@pytest.mark.parametrize("announced", [True, False])
def test_v07_ten_megabytes_are_too_much(
    home: House, web: Site, *, announced: bool
) -> None:
    """Refused by its length, or, where none is told, as soon as it is too long."""
    number, letter = asked(home)
    token = token_of(letter)
    begin = b"score=5&comment="
    head = f"POST /survey/{token} HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n"
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        if announced:
            line.sendall(f"{head}Content-Length: 10485760\r\n\r\n".encode() + begin)
        else:
            line.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
            for _ in range(5):
                line.sendall(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")
    assert vote(home, number) == NONE


def test_v08_a_flood_from_one_address_is_stopped_and_others_are_not(
    home: House,
) -> None:
    """The bucket is the connection's peer's; what headers say of it is not asked."""
    number, letter = asked(home)
    token = token_of(letter)
    with site(home, Throttle(burst=20, a_second=0.0)) as web:
        seen = [
            web.post(
                f"/survey/{token}",
                {"score": "1"},
                X_Forwarded_For=f"192.0.2.{n}",
                CF_Connecting_IP=f"192.0.2.{n}",
            )
            for n in range(200)
        ]
        statuses = [page.status for page in seen]
        assert statuses == [403] * 20 + [429] * 180
        assert "Um momento" in words(seen[-1])
        other = Site(web.port, peer="127.0.0.2")
        assert other.vote(token, 5).status == 200
    assert vote(home, number)[:2] == ("answered", 5)


def test_v08_ten_thousand_votes_in_a_minute_are_few() -> None:
    """In the long run ten a second pass, and memory does not grow with the peers."""
    now = [0.0]
    throttle = Throttle(clock=lambda: now[0])
    passed = 0
    for turn in range(10_000):
        now[0] = turn * 60 / 10_000
        passed += throttle.admits("192.0.2.1")
        assert throttle.admits(f"198.51.{turn % 250}.{turn // 250}")
    assert 600 <= passed <= 120 + 600
    for turn in range(10_000):
        throttle.admits(f"203.0.{turn % 250}.{turn // 250}")
    assert len(throttle._left) <= 4096


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        ("", "", True),
        ("", "192.0.2.1", False),
    ],
)
def test_v08_who_counts_as_one_visitor(one: str, other: str, *, same: bool) -> None:
    """An IPv4 address; of IPv6 the network that one customer has to himself."""
    assert (network(one) == network(other)) is same


def test_v10_one_click_opts_out_and_looking_does_not(home: House, web: Site) -> None:
    """GET and HEAD show a page with a button; the POST of RFC 8058 acts."""
    number, letter = asked(home)
    path = f"/survey/{token_of(letter)}/unsubscribe"
    page = web.get(path)
    web.ask("HEAD", path)
    assert page.status == 200
    assert page.form.fields == {"List-Unsubscribe": "One-Click"}
    assert not any(row["no_surveys"] for row in home.rows(schema.contact))
    done = web.ask("POST", path, b"List-Unsubscribe=One-Click", Content_Type=FORM)
    assert done.status == 200
    assert "Location" not in done.headers
    assert [r["no_surveys"] for r in home.rows(schema.contact)] == [True]
    assert web.post(path, page.form.fields).status == 200
    assert events(home, number).count("no_surveys") == 1
    assert vote(home, number) == NONE


def test_v10_the_other_encoding_of_rfc_8058_is_taken_too(
    home: House, web: Site
) -> None:
    """A provider may send the one field as multipart/form-data, from anywhere."""
    _, letter = asked(home)
    body = (
        b"--x\r\nContent-Disposition: form-data; "
        b'name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n'
    )
    page = web.ask(
        "POST",
        f"/survey/{token_of(letter)}/unsubscribe",
        body,
        Content_Type="multipart/form-data; boundary=x",
        Origin="https://mail.provider.example",
    )
    assert page.status == 200
    assert [r["no_surveys"] for r in home.rows(schema.contact)] == [True]


@pytest.mark.parametrize("body", [b"", b"a=b", b"List-Unsubscribe=No"])
def test_v10_a_post_that_says_something_else_does_nothing(
    home: House, web: Site, body: bytes
) -> None:
    """Only the words of RFC 8058 act."""
    _, letter = asked(home)
    path = f"/survey/{token_of(letter)}/unsubscribe"
    assert web.ask("POST", path, body, Content_Type=FORM).status == 403
    assert not any(row["no_surveys"] for row in home.rows(schema.contact))


def test_v10_who_opted_out_can_still_answer_what_was_asked(
    home: House, web: Site
) -> None:
    """Opting out stops our questions, not the customer's answer."""
    number, letter = asked(home)
    token = token_of(letter)
    web.post(f"/survey/{token}/unsubscribe", {"List-Unsubscribe": "One-Click"})
    assert web.vote(token, 5).status == 200
    assert vote(home, number)[:2] == ("answered", 5)


@pytest.mark.parametrize(
    "path",
    ["/", "/survey", "/survey/", "/attachment/1", "/attachment/2", "/files/1", "/1"],
)
def test_v11_nothing_else_is_served(web: Site, path: str) -> None:
    """There is no file, no list and no number to count up."""
    assert web.get(path).status == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"X_Forwarded_For": "192.0.2.1"},
        {"X_Forwarded_Host": "evil.example"},
        {"X_Forwarded_Proto": "gopher"},
        {"X_Original_URL": "/metrics"},
        {"Forwarded": "host=evil.example"},
        {"CF_Connecting_IP": "<b>evil</b>"},
    ],
)
def test_v12_what_a_visitor_says_of_itself_changes_nothing(
    home: House, web: Site, headers: dict[str, str]
) -> None:
    """The page is the same, but for its nonce, and no word of the header is in it."""
    _, letter = asked(home)
    path = f"/survey/{token_of(letter)}"
    nonce = re.compile(r'name="nonce" value="[^"]+"')
    plain, page = web.get(path), web.get(path, **headers)
    assert nonce.sub("", page.text) == nonce.sub("", plain.text)
    assert "evil" not in str(page.headers)
    assert "http" not in page.text


def test_v12_no_redirect_is_made_of_the_host_header(home: House, web: Site) -> None:
    """A path with a slash too many is no path."""
    _, letter = asked(home)
    page = web.get(f"/survey/{token_of(letter)}/", Host="evil.example")
    assert page.status == 404
    assert "Location" not in page.headers


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/survey/x", "/nothing"])
def test_v13_no_answer_tells_what_runs_here(web: Site, path: str) -> None:
    """No version, no name of a host, no name of the software."""
    page = web.get(path)
    said = f"{page.headers} {page.text}".lower()
    for secret in ("uvicorn", "starlette", "python", "chamado", socket.gethostname()):
        assert secret not in said
    assert "server" not in {name.lower() for name in page.headers}


SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        b"POST /survey/x HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n"
        b"Content-Length: 40\r\n\r\nabcd",
        b"POST /survey/x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /survey/x HTTP/1.1\r\nHost: x\r\nContent-Length: 1e3\r\n\r\n",
        b"POST /survey/x HTTP/1.1\r\nHost: x\r\n"
        b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        b"GET /survey/x HTTP/1.1\r\nHost: x\r\nA: b\rX: y\r\n\r\n",
        b"GET /survey/x HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n",
        b"GET /survey/x HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 1_000_000,
        b"GET /survey/\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /survey/x HTTP/1.1\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" * 10 + b"\r\n\r\n",
    ],
)
def test_v14_what_is_no_request_is_refused(web: Site, request_: bytes) -> None:
    """Two lengths, a bare CR, a header without end: 400, and the connection ends."""
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        with suppress(ConnectionError):
            line.sendall(request_)
        assert _all(line).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    assert web.get("/livez").status == 200


def test_v14_two_ways_to_tell_a_length_smuggle_nothing(web: Site) -> None:
    """With Transfer-Encoding and Content-Length what follows is never a request."""
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        line.sendall(
            b"POST /survey/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
            + SMUGGLED
        )
        assert _all(line).count(b"HTTP/1.1 ") == 1


def test_v14_a_thousand_silent_sockets_keep_nobody_out(web: Site) -> None:
    """A visitor who speaks is served at once; who is silent goes first."""
    lines = [socket.create_connection(("127.0.0.1", web.port), 30) for _ in range(900)]
    try:
        for _ in range(5):
            assert web.get("/livez").status == 200
    finally:
        for line in lines:
            line.close()


@pytest.mark.parametrize(
    "begin",
    [
        b"",
        b"GET /survey/x HT",
        b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez H",
        b"POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 999\r\n\r\nabc",
    ],
)
def test_v14_who_does_not_go_on_is_cut_off(
    web: Site, monkeypatch: pytest.MonkeyPatch, begin: bytes
) -> None:
    """Half a header, half a second one, half a body: the connection ends by itself."""
    monkeypatch.setattr(patience, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(patience, "BODY_SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        line.sendall(begin)
        _all(line)


def test_v14_a_form_that_never_ends_is_cut_off(
    home: House, web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told so, and nothing is recorded."""
    monkeypatch.setattr(survey, "BODY_SECONDS", 0.3)
    number, letter = asked(home)
    head = f"POST /survey/{token_of(letter)} HTTP/1.1\r\nHost: x\r\n"
    head += f"Content-Type: {FORM}\r\nContent-Length: 100\r\n\r\nscore=5"
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 408 ")
    assert vote(home, number) == NONE


def _all(line: socket.socket) -> bytes:
    """Read until the other side closes; a reset is an end as well."""
    said = b""
    try:
        while piece := line.recv(65_536):
            said += piece
    except ConnectionResetError:
        pass
    return said


def test_v15_the_page_tells_nobody_of_its_address(home: House, web: Site) -> None:
    """No referrer, no cache, no index, no frame, nothing fetched, nothing run."""
    _, letter = asked(home)
    token = token_of(letter)
    pages = [
        web.get(f"/survey/{token}"),
        web.vote(token, 5),
        web.get(f"/survey/{token}/unsubscribe"),
        web.post(f"/survey/{token}/unsubscribe", {"List-Unsubscribe": "One-Click"}),
        web.get("/survey/nobody"),
        web.ask("POST", f"/survey/{token}", b"{}", Content_Type="application/json"),
    ]
    for page in pages:
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["x-robots-tag"] == "noindex, nofollow"
        assert page.headers["cache-control"] == "no-store"
        assert page.headers["x-content-type-options"] == "nosniff"
        policy = page.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; style-src 'sha256-")
        for part in ("form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"):
            assert part in policy
        assert "set-cookie" not in page.headers
        assert not re.search(
            r"(?i)https?:|//|src=|url\(|@import|<link|<script|<img|<iframe|\son\w+=",
            page.text,
        )


def test_the_page_shows_number_and_subject_and_no_more(home: House, web: Site) -> None:
    """Links are passed on: names, addresses and words of the case stay away."""
    number, letter = asked(home, subject="Fatura <b>errada</b>", text="Meu CPF é 123.")
    seen = web.get(f"/survey/{token_of(letter)}").text
    assert f"#{number}" in seen
    assert "Fatura &lt;b&gt;errada&lt;/b&gt;" in seen
    for secret in ("Ana", "ana@example.com", "CPF", "Bia", "bia@"):
        assert secret not in seen


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("pt-BR", ("Sua nota", "Muito ruim", "Obrigado!")),
        ("en", ("Your score", "Very poor", "Thank you!")),
        ("es", ("Su nota", "Muy mala", "¡Gracias!")),
        ("pt", ("Sua nota", "Muito ruim", "Obrigado!")),
        ("fr", ("Sua nota", "Muito ruim", "Obrigado!")),
    ],
)
def test_the_page_speaks_the_language_of_the_case(
    home: House, web: Site, language: str, says: tuple[str, str, str]
) -> None:
    """Or the nearest one, or the house's."""
    number, letter = asked(home)
    with home.store.write() as work:
        cases.change(work, number, language=language)
    token = token_of(letter)
    form, thanks = web.get(f"/survey/{token}"), web.vote(token, 5)
    assert says[0] in words(form)
    assert says[1] in words(form)
    assert says[2] in words(thanks)
    spoken = {"pt": "pt-BR", "fr": "pt-BR"}.get(language, language)
    assert form.headers["content-language"] == spoken
    assert f'<html lang="{spoken}">' in form.text


def test_a_low_score_is_answered_kindly_and_told_to_the_team(
    home: House, web: Site
) -> None:
    """The page is sorry, the team hears of it, and hears of it once."""
    number, letter = asked(home)
    token = token_of(letter)
    assert "A equipe já foi avisada" in words(web.vote(token, 1))
    home.clock.move(minutes=1)
    web.vote(token, 2)
    assert events(home, number).count("low_score") == 1
    home.clock.move(minutes=1)
    assert "avisada" not in words(web.vote(token, 4))
    told = [r for r in home.rows(schema.notice) if r["kind"] == "low_score"]
    assert len(told) == 1


def test_the_end_is_told_in_the_services_zone(home: House, web: Site) -> None:
    """Until when an answer can be changed, as a day in words."""
    _, letter = asked(home)
    until = home.clock.now + timedelta(days=28)
    assert f"{until.day} de dezembro de 2026" in words(
        web.get(f"/survey/{token_of(letter)}")
    )


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_does_anything(home: House, web: Site, method: str) -> None:
    """The page is read and sent, nothing else."""
    number, letter = asked(home)
    assert web.ask(method, f"/survey/{token_of(letter)}").status == 405
    assert vote(home, number) == NONE
