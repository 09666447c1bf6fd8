"""The door of the survey's page: floods, forged headers, broken requests, leaks.

What a database does makes no difference here, so one kind of it is enough.
"""

import re
import socket
from contextlib import suppress

import pytest

from chamado.daemon.http import patience, survey
from chamado.daemon.http.throttle import Throttle
from tests.support.house import House
from tests.support.polls import FORM, UNANSWERED, Site, asked, counted, site, token_of

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
SMUGGLED = b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"


def test_v08_a_flood_from_one_address_is_stopped_and_others_are_not(
    home: House,
) -> None:
    """V-08: the bucket is the connection's peer's; what headers say of it is not
    asked."""
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
        assert "Um momento" in seen[-1].words
        other = Site(web.port, peer="127.0.0.2")
        assert other.vote(token, 5).status == 200
    assert counted(home, number)[:2] == ("answered", 5)


@pytest.mark.parametrize(
    "path",
    ["/", "/survey", "/survey/", "/attachment/1", "/attachment/2", "/files/1", "/1"],
)
def test_v11_nothing_else_is_served(web: Site, path: str) -> None:
    """V-11: there is no file, no list and no number to count up."""
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
    """V-12: the page is the same, but for its nonce, and no word of the header is in
    it."""
    _, letter = asked(home)
    path = f"/survey/{token_of(letter)}"
    nonce = re.compile(r'name="nonce" value="[^"]+"')
    plain, page = web.get(path), web.get(path, **headers)
    assert nonce.sub("", page.text) == nonce.sub("", plain.text)
    assert "evil" not in str(page.headers)
    assert "http" not in page.text


def test_v12_no_redirect_is_made_of_the_host_header(home: House, web: Site) -> None:
    """V-12: a path with a slash too many is no path."""
    _, letter = asked(home)
    page = web.get(f"/survey/{token_of(letter)}/", Host="evil.example")
    assert page.status == 404
    assert "Location" not in page.headers


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/survey/x", "/nothing"])
def test_v13_no_answer_tells_what_runs_here(web: Site, path: str) -> None:
    """V-13: no version, no name of a host, no name of the software."""
    page = web.get(path)
    said = f"{page.headers} {page.text}".lower()
    for secret in ("uvicorn", "starlette", "python", "chamado", socket.gethostname()):
        assert secret not in said
    assert "server" not in {name.lower() for name in page.headers}


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
    """V-14: two lengths, a bare CR, a header without end: 400, and the connection
    ends."""
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        with suppress(ConnectionError):
            line.sendall(request_)
        assert _all(line).startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))
    assert web.get("/livez").status == 200


def test_v14_two_ways_to_tell_a_length_smuggle_nothing(web: Site) -> None:
    """V-14: with Transfer-Encoding and Content-Length what follows is never a
    request."""
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        line.sendall(
            b"POST /survey/x HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n"
            b"Content-Type: application/x-www-form-urlencoded\r\n"
            b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n0\r\n\r\n"
            + SMUGGLED
        )
        assert _all(line).count(b"HTTP/1.1 ") == 1


def test_v14_a_thousand_silent_sockets_keep_nobody_out(web: Site) -> None:
    """V-14: a visitor who speaks is served at once; who is silent goes first."""
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
    """V-14: half a header, half a second one, half a body: the connection ends by
    itself."""
    monkeypatch.setattr(patience, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(patience, "BODY_SECONDS", 0.5)
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        line.sendall(begin)
        _all(line)


def test_v14_a_form_that_never_ends_is_cut_off(
    home: House, web: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """V-14: it is told so, and nothing is recorded."""
    monkeypatch.setattr(survey, "BODY_SECONDS", 0.3)
    number, letter = asked(home)
    head = f"POST /survey/{token_of(letter)} HTTP/1.1\r\nHost: x\r\n"
    head += f"Content-Type: {FORM}\r\nContent-Length: 100\r\n\r\nscore=5"
    with socket.create_connection(("127.0.0.1", web.port), 30) as line:
        line.sendall(head.encode())
        assert line.recv(100).startswith(b"HTTP/1.1 408 ")
    assert counted(home, number) == UNANSWERED


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
    """V-15: no referrer, no cache, no index, no frame, nothing fetched, nothing run."""
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


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
def test_no_other_method_does_anything(home: House, web: Site, method: str) -> None:
    """The page is read and sent, nothing else."""
    number, letter = asked(home)
    assert web.ask(method, f"/survey/{token_of(letter)}").status == 405
    assert counted(home, number) == UNANSWERED
