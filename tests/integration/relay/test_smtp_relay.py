"""Sending by SMTP: what becomes of a letter, whatever the relay does."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from chamado.config.address import Address
from chamado.config.derive import SecretError
from chamado.notifier.conversation import on_the_wire
from chamado.notifier.render import Templates, sample
from chamado.notifier.smtp import SmtpRelay
from chamado.notifier.types import Fate, Letter, LetterKind, Outcome
from tests.support.sink import HANG_UP, RESET, SILENCE, Answer, Script, Sink

ACK = Templates().compose(sample(LetterKind.ACK, "pt-BR"))
REPLY = Templates().compose(sample(LetterKind.REPLY, "pt-BR"))
FEATURES = {
    "pipelining": ("PIPELINING", "SIZE 10000000"),
    "plain": ("8BITMIME",),
}


def raw(content: bytes) -> Letter:
    """Return a letter of these very bytes."""
    return replace(ACK, content=content)


def relay_to(sink: Sink, **options: object) -> SmtpRelay:
    """Return a relay that talks to the sink, with little patience."""
    return SmtpRelay(
        **{  # type: ignore[arg-type] - options differ in type from test to test
            "host": "127.0.0.1",
            "port": sink.port,
            "timeout": 5.0,
            "dot_timeout": 5.0,
            **options,
        }
    )


def once(script: Script, letter: Letter = ACK) -> tuple[Outcome, Sink]:
    """Send one letter to a relay with this script."""
    with Sink(script) as sink:
        relay = relay_to(sink)
        outcome = relay.send(letter)
        relay.close()
    return outcome, sink


@pytest.mark.parametrize("features", FEATURES)
def test_a_letter_arrives_byte_for_byte(features: str) -> None:
    """Envelope and content are the letter's, with and without pipelining."""
    with Sink(features=FEATURES[features]) as sink:
        relay = relay_to(sink)
        for letter in (ACK, REPLY, ACK):
            outcome = relay.send(letter)
            assert outcome == Outcome(fate=Fate.SENT, reply="250 2.0.0 ok: queued")
        relay.close()
    assert [r.content for r in sink.letters] == [
        ACK.content,
        REPLY.content,
        ACK.content,
    ]
    senders = [r.mail_from for r in sink.letters]
    assert senders == ["", "suporte@acme.example", ""]
    assert {r.rcpt_tos for r in sink.letters} == {("ana@example.com",)}
    assert (sink.connections, sink.count("RSET"), sink.count("QUIT")) == (1, 2, 1)


def test_the_name_we_greet_with_is_the_configured_one_or_our_address() -> None:
    """EHLO says the name of the settings, else the address the relay sees anyway."""
    with Sink() as sink:
        for options in ({"ehlo_name": "support.acme.example"}, {}):
            relay = relay_to(sink, **options)
            relay.send(ACK)
            relay.close()
    greetings = [c for c in sink.commands if c.lower().startswith("ehlo")]
    assert greetings == ["ehlo support.acme.example", "ehlo [127.0.0.1]"]


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: x\r\n\r\na\r\n.\r\nb\r\n",
        b".\r\n..\r\n...\r\n",
        b"Subject: x\r\n\r\n.\nQUIT\n",
        b"Subject: x\n\na\n.\nb\n",
        b"Subject: x\r\n\r\na\r.\rb",
        b"Subject: x\r\n\r\na\n.\r\nMAIL FROM:<evil@x>\r\nb",
        b"Subject: x\r\n\r\na\r\n.\rMAIL FROM:<evil@x>\r\nb",
        b"no line end",
        b"",
    ],
    ids=range(9),
)
@pytest.mark.parametrize("features", FEATURES)
def test_o05_no_text_ends_the_message_early(content: bytes, features: str) -> None:
    """O-05: dots are doubled and every line end is CRLF: one message, then the next."""
    with Sink(features=FEATURES[features]) as sink:
        relay = relay_to(sink)
        assert relay.send(raw(content)).fate is Fate.SENT
        assert relay.send(ACK).fate is Fate.SENT
        relay.close()
    first, second = sink.letters
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    expected = lines.removesuffix(b"\n").replace(b"\n", b"\r\n") + b"\r\n"
    assert first.content == expected
    assert second.content == ACK.content


def test_o05_the_wire_holds_one_end_and_no_bare_line_end() -> None:
    """O-05: the bytes of DATA end in the only CRLF.CRLF there is."""
    wire = on_the_wire(b"\r.\r\n\n.\n\r\n.\r\n.")
    assert wire.endswith(b"\r\n.\r\n")
    assert wire.count(b"\r\n.\r\n") == 1
    assert wire.replace(b"\r\n", b"").count(b"\r") == 0
    assert wire.replace(b"\r\n", b"").count(b"\n") == 0


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
@pytest.mark.parametrize("features", FEATURES)
def test_o11_a_5xx_is_final_and_a_4xx_is_not(step: str, features: str) -> None:
    """O-11: at every step 5xx refuses the letter, 4xx asks for patience, and both go
    on."""
    script: dict[str, list[Answer]] = {step: ["550 5.7.1 no", "451 4.7.1 wait"]}
    with Sink(script, features=FEATURES[features]) as sink:
        relay = relay_to(sink)
        outcomes = [relay.send(ACK) for _ in range(3)]
        relay.close()
    assert outcomes[0] == Outcome(fate=Fate.REFUSED, reply="550 5.7.1 no")
    assert outcomes[1] == Outcome(fate=Fate.TRY_LATER, reply="451 4.7.1 wait")
    assert outcomes[2].fate is Fate.SENT
    reached_the_dot = 3 if step == "DOT" else 1
    assert len(sink.letters) == reached_the_dot


def test_a_refused_recipient_never_gets_an_empty_letter() -> None:
    """A relay that says 354 after refusing is left, not answered with a dot."""
    with Sink({"RCPT": ["550 5.1.1 unknown"]}) as sink:
        relay = relay_to(sink)
        assert relay.send(ACK).fate is Fate.REFUSED
        assert relay.send(ACK).fate is Fate.SENT
        relay.close()
    assert [r.content for r in sink.letters] == [ACK.content]
    assert sink.connections == 2


@pytest.mark.parametrize("features", FEATURES)
def test_o11_a_relay_that_refuses_and_hangs_up_has_refused(features: str) -> None:
    """O-11: what was said before the line went dead counts, and the next letter goes
    out."""
    script: dict[str, list[Answer]] = {"RCPT": ["550 5.1.1 no"], "DATA": [HANG_UP]}
    with Sink(script, features=FEATURES[features]) as sink:
        relay = relay_to(sink)
        outcome = relay.send(ACK)
        again = relay.send(ACK)
        relay.close()
    assert outcome == Outcome(fate=Fate.REFUSED, reply="550 5.1.1 no")
    assert again.fate is Fate.SENT
    assert len(sink.letters) == 1


@pytest.mark.parametrize("code", ["530 5.7.0 authenticate", "538 5.7.11 encrypt"])
def test_o14_a_relay_that_wants_a_login_refuses_us_and_not_the_letter(
    code: str,
) -> None:
    """O-14: what is wrong with our settings makes letters wait."""
    outcome, _ = once({"MAIL": code})
    assert outcome == Outcome(fate=Fate.TRY_LATER, reply=code, relay_down=True)


HOSTILE: dict[str, tuple[bytes, Fate]] = {
    "many lines": (b"550-x\r\n" * 99 + b"550 end\r\n", Fate.REFUSED),
    "controls": (b"550 \x1b[2J\x00\x07\xff\xc2\x85evil\r\n", Fate.REFUSED),
    "long line": (b"550 " + b"x" * 60_000 + b"\r\n", Fate.REFUSED),
    "template": (b"550 {{7*7}} %s {0}\r\n", Fate.REFUSED),
    "bare line feeds": (b"550-a\n550 b\n", Fate.REFUSED),
    "no text": (b"550\r\n", Fate.REFUSED),
}
ENDLESS = {
    "endless lines": b"550-x\r\n" * 20_000,
    "endless line": b"550 " + b"x" * 200_000,
}
GARBAGE = {
    "no code": b"hello\r\n",
    "html": b"<html>\r\n",
    "two codes": b"250-fine\r\n550 not fine\r\n",
    "code too large": b"999 x\r\n",
    "arabic digits": "٢٥٠ ok\r\n".encode(),
    "only a line end": b"\r\n",
}


@pytest.mark.parametrize("reply", HOSTILE)
def test_o11_a_relays_words_are_cleaned_and_cut(reply: str) -> None:
    """O-11: many lines, controls and length become at most 500 characters of one
    line."""
    said, fate = HOSTILE[reply]
    outcome, _ = once({"RCPT": said})
    assert outcome.fate is fate
    assert outcome.reply.isprintable()
    assert outcome.reply.startswith("550")
    assert len(outcome.reply) <= 500


@pytest.mark.parametrize("reply", [*ENDLESS, *GARBAGE])
def test_o11_what_is_no_reply_before_the_dot_delays_the_letter(reply: str) -> None:
    """O-11: replies without end or sense end the conversation; the letter waits."""
    outcome, sink = once({"RCPT": (ENDLESS | GARBAGE)[reply]})
    assert outcome.fate is Fate.TRY_LATER
    assert len(outcome.reply) <= 500
    assert sink.letters == []


@pytest.mark.parametrize("reply", [*ENDLESS, *GARBAGE])
def test_o13_what_is_no_reply_after_the_dot_leaves_the_fate_unknown(
    reply: str,
) -> None:
    """O-13: a relay that took the letter and talks nonsense may have it."""
    outcome, sink = once({"DOT": (ENDLESS | GARBAGE)[reply]})
    assert outcome.fate is Fate.UNKNOWN
    assert len(sink.letters) == 1


@pytest.mark.parametrize("fault", [HANG_UP, RESET, SILENCE, b"250", b"250-first\r\n"])
def test_o13_a_connection_lost_after_the_dot_is_unknown(fault: Answer) -> None:
    """O-13: hang-up, reset, silence or half a reply after the dot: nobody can know."""
    with Sink({"DOT": [fault]}) as sink:
        relay = relay_to(sink, timeout=0.5, dot_timeout=0.5)
        outcome = relay.send(REPLY)
        assert outcome.fate is Fate.UNKNOWN
        assert relay.send(ACK).fate is Fate.SENT
        relay.close()
    assert [r.content for r in sink.letters] == [REPLY.content, ACK.content]


@pytest.mark.parametrize("step", ["GREETING", "EHLO", "MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("fault", [HANG_UP, RESET, SILENCE])
@pytest.mark.parametrize("features", FEATURES)
def test_f17_a_connection_lost_before_the_dot_delays_the_letter(
    step: str, fault: Answer, features: str
) -> None:
    """Nothing was handed over, so it is tried later, and then arrives once."""
    with Sink({step: [fault]}, features=FEATURES[features]) as sink:
        relay = relay_to(sink, timeout=0.5)
        outcome = relay.send(ACK)
        assert outcome.fate is Fate.TRY_LATER
        assert outcome.relay_down is (step in ("GREETING", "EHLO"))
        assert relay.send(ACK).fate is Fate.SENT
        relay.close()
    assert len(sink.letters) == 1


def test_f17_a_relay_that_stops_reading_delays_the_letter() -> None:
    """A letter whose end never left the machine was not sent."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        served = threading.Thread(target=_take_a_little, args=(server,))
        served.start()
        relay = SmtpRelay(host="127.0.0.1", port=server.getsockname()[1], timeout=0.5)
        outcome = relay.send(raw(b"Subject: x\r\n\r\n" + b"y" * 78 * 400_000))
        served.join(10)
    assert outcome.fate is Fate.TRY_LATER
    assert "within the letter" in outcome.reply


def _take_a_little(server: socket.socket) -> None:
    sock, _ = server.accept()
    with sock:
        replies = [b"220 x\r\n", b"250 x\r\n", b"250 x\r\n", b"250 x\r\n", b"354 x\r\n"]
        for number, reply in enumerate(replies):
            if number:
                sock.recv(1000)
            sock.sendall(reply)
        sock.recv(1000)
        # Gone with most of the letter unread, which resets the connection.


def test_f17_421_in_the_middle_is_an_end_and_a_new_start() -> None:
    """A kept connection that says 421 is replaced, and the letter goes out at once."""
    with Sink({"RSET": ["421 4.7.0 too many letters"]}) as sink:
        relay = relay_to(sink)
        outcomes = [relay.send(ACK) for _ in range(3)]
        relay.close()
    assert [o.fate for o in outcomes] == [Fate.SENT] * 3
    assert (len(sink.letters), sink.connections) == (3, 2)


def test_f17_421_to_a_fresh_connection_means_that_all_wait() -> None:
    """A relay that closes on whoever comes is down for every letter."""
    for step in ("GREETING", "MAIL"):
        outcome, _ = once({step: "421 4.3.2 shutting down"})
        assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
        assert "421 4.3.2 shutting down" in outcome.reply


def test_421_as_the_answer_to_the_dot_is_an_answer() -> None:
    """The relay said that it has not taken the letter."""
    outcome, _ = once({"DOT": "421 4.3.0 out of disk"})
    assert outcome == Outcome(fate=Fate.TRY_LATER, reply="421 4.3.0 out of disk")


@pytest.mark.parametrize("features", FEATURES)
def test_a_kept_connection_that_the_peer_closed_is_opened_anew(features: str) -> None:
    """Idle time-outs of the relay are nobody's trouble."""
    with Sink(features=FEATURES[features]) as sink:
        relay = relay_to(sink)
        assert relay.send(ACK).fate is Fate.SENT
        sink.hang_up()
        assert relay.send(REPLY).fate is Fate.SENT
        relay.close()
    assert (len(sink.letters), sink.connections) == (2, 2)


def test_f17_nobody_at_home_delays_all_letters() -> None:
    """A refused connection says where to, and that the others can wait as well."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    outcome = SmtpRelay(host="127.0.0.1", port=port, timeout=2).send(ACK)
    assert outcome.fate is Fate.TRY_LATER
    assert outcome.relay_down
    assert outcome.reply == f"no conversation with 127.0.0.1:{port}: Connection refused"


@pytest.mark.parametrize("host", ["no-such-host.invalid", "x" * 70 + ".invalid"])
def test_f39_a_name_that_does_not_resolve_delays_all_letters(
    host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The resolver's trouble is told in its words."""
    asked = socket.getaddrinfo

    def resolver(name: str, *args: object) -> object:
        # Tests ask no name server; only the name that never gets so far is real.
        if name == "no-such-host.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return asked(name, *args)  # type: ignore[arg-type] - passed on as it came

    monkeypatch.setattr(socket, "getaddrinfo", resolver)
    outcome = SmtpRelay(host=host, timeout=2).send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert host in outcome.reply


@pytest.mark.parametrize(
    "address",
    ["a@b\r\nRCPT TO:<e@x>", "a b@c", "a@b>", "x" * 300 + "@b", "josé@b.example", ""],
)
def test_o03_o15_a_bad_envelope_never_reaches_the_relay(address: str) -> None:
    """O-03, O-15: even a letter that was not composed here cannot inject a command."""
    with Sink() as sink:
        relay = relay_to(sink)
        assert relay.send(replace(ACK, rcpt_to=address)).fate is Fate.REFUSED
        if address:
            assert relay.send(replace(ACK, mail_from=address)).fate is Fate.REFUSED
        relay.close()
    assert sink.commands == []


def test_without_tls_nothing_leaves_this_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the name turns out to be another host, not a byte is sent in clear."""
    with Sink() as sink:
        ours = socket.create_connection

        def elsewhere(where: tuple[str, int], timeout: float) -> socket.socket:
            class Elsewhere(socket.socket):
                def getpeername(self) -> tuple[str, int]:
                    return ("192.0.2.1", 25)

            return Elsewhere(fileno=ours(where, timeout).detach())

        monkeypatch.setattr(socket, "create_connection", elsewhere)
        outcome = relay_to(sink).send(ACK)
        sink.wait(lambda s: s.connections == 1)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert "not this machine" in outcome.reply
    assert sink.commands == []


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority of this test run."""
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    """The authority's certificate as the settings name it."""
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(path)
    return path


@pytest.fixture
def certificate(authority: trustme.CA) -> Callable[..., ssl.SSLContext]:
    """Return a maker of server contexts, for a name and of an authority."""

    def make(name: str = "127.0.0.1", by: trustme.CA = authority) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        by.issue_cert(name).configure_cert(context)
        return context

    return make


Certificate = Callable[..., ssl.SSLContext]


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
def test_tls_carries_the_letters(
    tls: str, ca_file: Path, certificate: Certificate
) -> None:
    """Both ways of TLS work with a certificate of the configured authority."""
    with Sink(tls=certificate(), implicit=tls == "implicit") as sink:
        relay = relay_to(sink, tls=tls, ca_file=ca_file)
        outcomes = [relay.send(ACK), relay.send(REPLY)]
        relay.close()
    assert [o.fate for o in outcomes] == [Fate.SENT] * 2
    assert [r.secure for r in sink.letters] == [True, True]
    assert sink.connections == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
@pytest.mark.parametrize("fault", ["wrong name", "unknown authority", "no authority"])
def test_o14_f39_a_bad_certificate_delays_all_letters(
    tls: str, fault: str, ca_file: Path, certificate: Certificate
) -> None:
    """O-14: a stranger's certificate gets no letter, and the words say what is
    wrong."""
    name = "other.example" if fault == "wrong name" else "127.0.0.1"
    by = {"by": trustme.CA()} if fault == "unknown authority" else {}
    trusted = None if fault == "no authority" else ca_file
    with Sink(tls=certificate(name, **by), implicit=tls == "implicit") as sink:
        outcome = relay_to(sink, tls=tls, ca_file=trusted).send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert "its certificate is not accepted" in outcome.reply
    assert sink.letters == []
    assert sink.count("MAIL") == 0


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ({}, "STARTTLS extension not supported"),
        ({"STARTTLS": "454 4.7.0 no TLS today"}, "454 4.7.0 no TLS today"),
        ({"STARTTLS": "500 5.5.1 what?"}, "500 5.5.1 what?"),
    ],
)
def test_o14_a_stripped_starttls_delays_all_letters(
    script: Script, words: str, certificate: Certificate
) -> None:
    """O-14: nothing is sent in clear where the settings demand TLS."""
    tls = certificate() if script else None
    with Sink(script, tls=tls) as sink:
        outcome = relay_to(sink, tls="starttls").send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert words in outcome.reply
    assert sink.count("MAIL") == 0


def test_o14_words_slipped_in_before_tls_are_not_believed(
    ca_file: Path, certificate: Certificate
) -> None:
    """O-14: a reply injected behind that to STARTTLS ends the conversation."""
    with Sink({"STARTTLS": b"220 go\r\n250 injected\r\n"}, tls=certificate()) as sink:
        outcome = relay_to(sink, tls="starttls", ca_file=ca_file).send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert "between STARTTLS and TLS" in outcome.reply
    assert sink.letters == []


def test_o14_a_missing_ca_file_delays_all_letters(tmp_path: Path) -> None:
    """O-14: the words say that there is no such file."""
    with Sink() as sink:
        outcome = relay_to(sink, tls="starttls", ca_file=tmp_path / "no.pem").send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert "No such file" in outcome.reply
    assert sink.commands == []


LOGIN = ("PIPELINING", "AUTH PLAIN LOGIN")


def test_a_login_reads_the_password_anew_each_time() -> None:
    """A rotated secret is used at the next connection."""
    passwords = iter(("one", "two"))
    with Sink(features=LOGIN) as sink:
        relay = relay_to(sink, user="support", password=lambda: next(passwords))
        assert relay.send(ACK).fate is Fate.SENT
        sink.hang_up()
        assert relay.send(ACK).fate is Fate.SENT
        relay.close()
    logins = [c for c in sink.commands if c.startswith("AUTH")]
    assert logins == ["AUTH PLAIN AHN1cHBvcnQAb25l", "AUTH PLAIN AHN1cHBvcnQAdHdv"]


def _unreadable() -> str:
    raise SecretError("/etc/secret: No such file or directory")


@pytest.mark.parametrize(
    ("script", "features", "password", "words"),
    [
        ({"AUTH": "535 5.7.8 wrong"}, LOGIN, lambda: "s3cret", "535 5.7.8 wrong"),
        ({"AUTH": "454 4.7.0 later"}, LOGIN, lambda: "s3cret", "454 4.7.0 later"),
        ({"AUTH": HANG_UP}, LOGIN, lambda: "s3cret", "hung up"),
        ({}, ("PIPELINING",), lambda: "s3cret", "not supported"),
        ({}, LOGIN, lambda: "s3crét", "more than ASCII"),
        ({}, LOGIN, _unreadable, "/etc/secret: No such file"),
    ],
)
def test_o14_a_login_that_fails_delays_all_letters(
    script: Script,
    features: tuple[str, ...],
    password: Callable[[], str],
    words: str,
) -> None:
    """O-14: logins that cannot work are the settings' fault, and no secret leaks."""
    with Sink(script, features=features) as sink:
        outcome = relay_to(sink, user="support", password=password).send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert words in outcome.reply
    assert "s3c" not in outcome.reply
    assert sink.count("MAIL") == 0


@pytest.fixture
def silent() -> Iterator[Sink]:
    """A relay that takes the connection and never greets."""
    with Sink({"GREETING": SILENCE}) as sink:
        yield sink


def test_a_relay_that_never_greets_costs_one_timeout(silent: Sink) -> None:
    """Every wait has an end, and the words say so."""
    outcome = relay_to(silent, timeout=0.2).send(ACK)
    assert (outcome.fate, outcome.relay_down) == (Fate.TRY_LATER, True)
    assert "timed out" in outcome.reply


def test_closing_is_polite_and_harmless() -> None:
    """QUIT is said once; closing twice, or before anything was sent, does nothing."""
    with Sink({"QUIT": [SILENCE]}) as sink:
        relay = relay_to(sink)
        relay.close()
        relay.send(ACK)
        sink.hang_up()
        relay.close()
        relay.close()
    assert sink.connections == 1


def test_the_recipient_of_the_letter_is_the_recipient_of_the_envelope() -> None:
    """Nobody who is not the notification's recipient is ever named in RCPT."""
    letter = Templates().compose(
        replace(
            sample(LetterKind.REPLY, "en"),
            recipient=Address(name="x, <evil@example.com>", address="ana@example.com"),
        )
    )
    _, sink = once({}, letter)
    assert [r.rcpt_tos for r in sink.letters] == [("ana@example.com",)]
