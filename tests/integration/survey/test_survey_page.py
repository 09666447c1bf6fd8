"""The page of a survey: what records, what only shows, what is refused and how."""

import re
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from chamado.daemon.core.survey import COMMENT_CHARS
from chamado.daemon.store import cases, schema
from tests.support.house import House
from tests.support.polls import (
    BASE,
    FORM,
    UNANSWERED,
    Page,
    Site,
    asked,
    counted,
    events,
    shown,
    token_of,
)


def chosen(page: Page) -> str | None:
    """The score that a page has chosen in advance."""
    found = re.findall(r'value="(\d)" required checked', page.text)
    return found[0] if found else None


def test_v01_looking_at_every_link_votes_nothing(home: House, web: Site) -> None:
    """V-01: a scanner opens all five links at once, and asks for their heads too."""
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
    assert counted(home, number) == UNANSWERED
    assert home.rows(schema.vote) == []


def test_v01_a_scanner_that_sends_every_form_is_not_believed(
    home: House, web: Site
) -> None:
    """V-01: five scores within seconds: none counts, and the page asks again."""
    number, letter = asked(home)
    token = token_of(letter)
    seen = [web.vote(token, n) for n in range(1, 6)]
    assert [page.status for page in seen] == [200, 200, 409, 409, 409]
    assert "nenhuma foi gravada" in seen[-1].words
    survey = shown(home, number)["survey"]
    assert counted(home, number)[:2] == ("sent", None)
    assert survey["reason"] == "scores_in_a_hurry"
    assert events(home, number).count("survey_doubted") == 3
    home.clock.move(seconds=30)
    assert web.vote(token, 4).status == 200
    assert counted(home, number) == ("answered", 4, "", "web")
    assert shown(home, number)["survey"]["reason"] is None
    assert len(home.rows(schema.vote)) == 6


def test_v01_an_answer_outlives_the_scanner_that_comes_after_it(
    home: House, web: Site
) -> None:
    """V-01: a burst counts for nothing, and what stood before it goes on to stand."""
    number, letter = asked(home)
    token = token_of(letter)
    assert web.vote(token, 2, "foi muito ruim").status == 200
    answered_at = home.clock()
    home.clock.move(seconds=8)
    pages = []
    for score in (3, 4, 5, 1):
        pages.append(web.vote(token, score))
        home.clock.move(seconds=2)
    assert [page.status for page in pages] == [200, 200, 409, 409]
    assert chosen(pages[-1]) == "2"
    assert "foi muito ruim" in pages[-1].text
    assert counted(home, number) == ("answered", 2, "foi muito ruim", "web")
    survey = shown(home, number)["survey"]
    assert (survey["answered_at"], survey["reason"]) == (answered_at, None)
    home.clock.move(seconds=30)
    assert web.vote(token, 4).status == 200
    assert counted(home, number) == ("answered", 4, "", "web")


def test_v01_a_scanner_repeats_no_alarm_of_a_score_that_stays_low(
    home: House, web: Site
) -> None:
    """V-01: the team has heard of it; the burst ends with the same low score."""
    number, letter = asked(home)
    token = token_of(letter)
    web.vote(token, 2, "foi muito ruim")
    home.clock.move(seconds=8)
    for score in (5, 1, 3):
        web.vote(token, score)
    home.clock.move(minutes=1)
    web.vote(token, 1, "foi péssimo")
    assert counted(home, number) == ("answered", 1, "foi péssimo", "web")
    assert events(home, number).count("low_score") == 1


def test_v02_a_form_that_is_sent_is_one_vote(home: House, web: Site) -> None:
    """V-02: score and comment are on the case, and the page says what was written
    down."""
    number, letter = asked(home)
    page = web.vote(token_of(letter), 5, "Rápido e gentil.\r\nObrigada!")
    assert page.status == 200
    assert "5 · Muito bom" in page.words
    assert "Rápido e gentil.\nObrigada!" in page.words
    assert counted(home, number) == (
        "answered",
        5,
        "Rápido e gentil.\nObrigada!",
        "web",
    )
    assert shown(home, number)["survey"]["answered_at"] == home.clock.now
    assert len(home.rows(schema.vote)) == 1
    assert shown(home, number)["status"] == "resolved"


def test_v02_sending_the_same_form_twice_is_one_vote(home: House, web: Site) -> None:
    """V-02: a double click, or a page that is loaded again."""
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
    assert counted(home, number)[1] == scores[-1]


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
    assert counted(home, number)[:3] == ("answered", 4, "Depois melhorou.")
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
    assert counted(home, number)[2] == "turno 99"
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
    """V-04: edited, cut, guessed: the same 403 and the same page for every one of
    them."""
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
    assert counted(home, number) == UNANSWERED
    assert not any(row["no_surveys"] for row in home.rows(schema.contact))


def test_v05_an_old_survey_says_that_it_has_ended(home: House, web: Site) -> None:
    """V-05: ninety days later, whether it is looked at or sent; nothing is recorded."""
    number, letter = asked(home)
    token = token_of(letter)
    form = web.get(f"/survey/{token}").form.fields
    home.clock.move(days=90)
    for page in (
        web.get(f"/survey/{token}?score=5"),
        web.post(f"/survey/{token}", {**form, "score": "5"}),
    ):
        assert page.status == 410
        assert "já terminou" in page.words
        assert "<form" not in page.text
    assert counted(home, number) == UNANSWERED


def test_v06_a_post_needs_the_form_of_the_page(home: House, web: Site) -> None:
    """V-06: no nonce, a spoilt one, another survey's, or one of yesterday: ask
    again."""
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
    assert "nada foi gravado" in old.words
    assert counted(home, number) == UNANSWERED
    again = web.post(f"/survey/{token}", {**old.form.fields, "score": "4"})
    assert again.status == 200
    assert counted(home, number)[:2] == ("answered", 4)


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
    """V-06: another site's form, another kind of content: refused before anything is
    read."""
    number, letter = asked(home)
    page = web.vote(token_of(letter), 5, **headers)
    assert page.status == status
    assert (counted(home, number) == UNANSWERED) is (status != 200)


@pytest.mark.parametrize(
    "score", ["", "0", "6", "-1", "5.0", "٥", "five", "5 ", "55", "5\x00"]
)
def test_v06_what_is_no_score_is_asked_for_again(
    home: House, web: Site, score: str
) -> None:
    """V-06: the words stay where they are."""
    number, letter = asked(home)
    token = token_of(letter)
    form = web.get(f"/survey/{token}").form.fields
    page = web.post(f"/survey/{token}", {**form, "score": score, "comment": "olá"})
    assert page.status == 422
    assert "Escolha uma nota de 1 a 5" in page.words
    assert ">\nolá</textarea>" in page.text
    assert counted(home, number) == UNANSWERED


def test_v07_a_comment_is_cut_and_cleaned(home: House, web: Site) -> None:
    """V-07: NUL, markup, ten thousand line ends, sixty thousand letters: text, and
    short."""
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
    """V-07: not UTF-8, not urlencoded, thousands of fields: no vote and no error of
    ours."""
    number, letter = asked(home)
    path = f"/survey/{token_of(letter)}"
    assert web.ask("POST", path, body, Content_Type=FORM).status == 403
    assert counted(home, number) == UNANSWERED


@pytest.mark.parametrize("announced", [True, False])
def test_v07_ten_megabytes_are_too_much(
    home: House, web: Site, *, announced: bool
) -> None:
    """V-07: refused by its length, or, where none is told, as soon as it is too
    long."""
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
    assert counted(home, number) == UNANSWERED


def test_v10_one_click_opts_out_and_looking_does_not(home: House, web: Site) -> None:
    """V-10: GET and HEAD show a page with a button; the POST of RFC 8058 acts."""
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
    assert counted(home, number) == UNANSWERED


def test_v10_the_other_encoding_of_rfc_8058_is_taken_too(
    home: House, web: Site
) -> None:
    """V-10: a provider may send the one field as multipart/form-data, from anywhere."""
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
    """V-10: only the words of RFC 8058 act."""
    _, letter = asked(home)
    path = f"/survey/{token_of(letter)}/unsubscribe"
    assert web.ask("POST", path, body, Content_Type=FORM).status == 403
    assert not any(row["no_surveys"] for row in home.rows(schema.contact))


def test_v10_who_opted_out_can_still_answer_what_was_asked(
    home: House, web: Site
) -> None:
    """V-10: opting out stops our questions, not the customer's answer."""
    number, letter = asked(home)
    token = token_of(letter)
    web.post(f"/survey/{token}/unsubscribe", {"List-Unsubscribe": "One-Click"})
    assert web.vote(token, 5).status == 200
    assert counted(home, number)[:2] == ("answered", 5)


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
    assert says[0] in form.words
    assert says[1] in form.words
    assert says[2] in thanks.words
    spoken = {"pt": "pt-BR", "fr": "pt-BR"}.get(language, language)
    assert form.headers["content-language"] == spoken
    assert f'<html lang="{spoken}">' in form.text


def test_a_low_score_is_answered_kindly_and_told_to_the_team(
    home: House, web: Site
) -> None:
    """The page is sorry, the team hears of it, and hears of it once."""
    number, letter = asked(home)
    token = token_of(letter)
    assert "A equipe já foi avisada" in web.vote(token, 1).words
    home.clock.move(minutes=1)
    web.vote(token, 2)
    assert events(home, number).count("low_score") == 1
    home.clock.move(minutes=1)
    assert "avisada" not in web.vote(token, 4).words
    told = [r for r in home.rows(schema.notice) if r["kind"] == "low_score"]
    assert len(told) == 1


def test_the_end_is_told_in_the_services_zone(home: House, web: Site) -> None:
    """Until when an answer can be changed, as a day in words."""
    _, letter = asked(home)
    until = home.clock.now + timedelta(days=28)
    assert (
        f"{until.day} de dezembro de 2026"
        in web.get(f"/survey/{token_of(letter)}").words
    )
