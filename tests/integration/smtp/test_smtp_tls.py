"""STARTTLS: offered where there is a certificate, and never a way around itself."""

import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from chamado.config.settings import Listener
from chamado.daemon.sources.smtp import SmtpSource
from chamado.daemon.sources.smtp_tls import TlsError
from tests.support.smtp import OURS, Client, Serving

Serve = Callable[..., Serving]
Connect = Callable[..., Client]

pytestmark = pytest.mark.usefixtures("any_loop")

NAME = "mx.acme.example"


class Certificates:
    """An authority of the test's own, and the files that a listener reads."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "cert.pem"
        self.key = folder / "key.pem"
        self.authority = trustme.CA()
        self.issue()

    def issue(self) -> bytes:
        """Write a new certificate and its key; return it in DER."""
        issued = self.authority.issue_cert(NAME)
        issued.private_key_pem.write_to_path(self.key)
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        self.certificate.write_bytes(chain)
        return ssl.PEM_cert_to_DER_cert(issued.cert_chain_pems[0].bytes().decode())

    def client(self) -> ssl.SSLContext:
        """Return a context that trusts this authority only."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def listener(self) -> Listener:
        """Return a listener with this certificate."""
        return Listener(
            listen="127.0.0.1:0", tls_certificate=self.certificate, tls_key=self.key
        )


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    """Make an authority."""
    return Certificates(tmp_path)


def _secure(client: Client, certificates: Certificates) -> Client:
    assert "STARTTLS" in client.greet()
    assert client.ask("STARTTLS") == "220 2.0.0 Ready to start TLS"
    client.start_tls(certificates.client(), NAME)
    return client


def test_a_mail_comes_in_under_tls(
    serve: Serve, connect: Connect, certificates: Certificates
) -> None:
    """After the handshake a new EHLO, without STARTTLS, and then as ever."""
    serving = serve(certificates.listener())
    client = _secure(connect(serving), certificates)
    assert client.ask("MAIL FROM:<a@b.example>") == "503 5.5.1 Send EHLO first"
    assert "STARTTLS" not in client.ask("EHLO client.example")
    assert client.ask("STARTTLS").startswith("454 4.7.0 ")
    client.transaction()
    content = b"x" * 70 + b"\r\n"
    client.send(content * 5_000 + b".\r\n")
    assert client.reply().startswith("250 ")
    assert serving.rows[0].content == content * 5_000
    assert client.ask("QUIT").startswith("221 ")
    assert client.is_closed()


def test_s09_what_was_sent_before_the_handshake_is_forgotten(
    serve: Serve, connect: Connect, certificates: Certificates
) -> None:
    """Plain commands in the segment of STARTTLS are not run, nor answered."""
    serving = serve(certificates.listener())
    client = connect(serving)
    client.greet()
    client.ask("MAIL FROM:<a@b.example>")
    client.send(b"STARTTLS\r\nMAIL FROM:<e@x.example>\r\nEHLO evil\r\n")
    assert client.reply() == "220 2.0.0 Ready to start TLS"
    client.start_tls(certificates.client(), NAME)
    assert client.ask(f"RCPT TO:<{OURS}>") == "503 5.5.1 Send EHLO first"
    client.ask("EHLO client.example")
    assert client.ask(f"RCPT TO:<{OURS}>").startswith("503 5.5.1 ")


def test_a_failed_handshake_frees_the_place(
    serve: Serve, connect: Connect, certificates: Certificates
) -> None:
    """Plain text after STARTTLS ends the connection, and the next one is served."""
    settings = certificates.listener().model_copy(update={"max_connections": 1})
    serving = serve(settings)
    client = connect(serving)
    client.greet()
    client.ask("STARTTLS")
    client.send(b"EHLO in.the.clear\r\n" * 10)
    client.sock.settimeout(20)
    while client.sock.recv(65_536):
        pass
    with connect(serving) as another:
        assert another.reply()[:3] in ("220", "421")


def test_half_a_close_under_tls_keeps_the_mail(
    serve: Serve, connect: Connect, certificates: Certificates
) -> None:
    """A client that is gone after its dot has sent a mail."""
    serving = serve(certificates.listener())
    client = _secure(connect(serving), certificates)
    client.ask("EHLO client.example")
    client.transaction()
    serving.door.held = True
    client.send(b"x\r\n.\r\nQUIT\r\n")
    serving.door.ledger.wait_until(lambda: bool(serving.door.waiting))
    client.sock.close()
    serving.door.let_go()
    serving.door.ledger.wait_for_rows(1)


def test_an_idle_client_under_tls_is_sent_away(
    serve: Serve, connect: Connect, certificates: Certificates
) -> None:
    """The clocks run under TLS as well."""
    settings = certificates.listener().model_copy(update={"idle_timeout": 0.3})
    client = _secure(connect(serve(settings)), certificates)
    assert client.reply().startswith("421 4.4.2 ")


def test_a_renewed_certificate_is_used_without_a_restart(
    serve: Serve, connect: Connect, certificates: Certificates
) -> None:
    """After a reload new connections see the new certificate."""
    serving = serve(certificates.listener())
    before = _secure(connect(serving), certificates).sock.getpeercert(True)
    new = certificates.issue()
    serving.source.reload_tls()
    after = _secure(connect(serving), certificates).sock.getpeercert(True)
    assert after == new != before


def test_a_broken_renewal_leaves_the_old_certificate(
    serve: Serve, connect: Connect, certificates: Certificates
) -> None:
    """F-25: a bad file on reload stops nothing."""
    serving = serve(certificates.listener())
    before = _secure(connect(serving), certificates).sock.getpeercert(True)
    certificates.certificate.write_text("no certificate")
    serving.source.reload_tls()
    after = _secure(connect(serving), certificates).sock.getpeercert(True)
    assert after == before


def test_a_bad_certificate_is_one_clear_error(certificates: Certificates) -> None:
    """At the start a certificate that cannot be used is an error with its name."""
    certificates.certificate.write_text("no certificate")
    with pytest.raises(TlsError, match=r"cert\.pem: "):
        _source(certificates.listener())


def test_a_certificate_needs_its_key(certificates: Certificates) -> None:
    """One without the other is refused."""
    listener = certificates.listener().model_copy(update={"tls_key": None})
    with pytest.raises(TlsError, match="given together"):
        _source(listener)


def _source(listener: Listener) -> SmtpSource:
    return SmtpSource(
        listeners=[listener], known=lambda _: True, message_bytes=1_000, hostname=NAME
    )
