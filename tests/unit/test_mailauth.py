"""Who wrote, found out by ourselves: real signatures, and a DNS that is a table."""

import time
from collections.abc import Callable

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from chamado.config.checks import errors
from chamado.config.doubts import warnings
from chamado.config.settings import Listener, Settings
from chamado.daemon.mailauth import vouch
from chamado.daemon.names import MOST_QUESTIONS, Bounded, NoAnswer
from chamado.parsers.message import parse
from chamado.parsers.types import Auth, Envelope
from tests.unit.parsers.mails import AT

MAIL = (
    b"From: Ana <ana@cliente.example>\r\nTo: suporte@acme.example\r\n"
    b"Subject: painel\r\nDate: Wed, 25 Nov 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@cliente.example>\r\n\r\nN\xc3\xa3o abre.\r\n"
)
DMARC = {("_dmarc.cliente.example", "TXT"): ["v=DMARC1; p=reject"]}
SPF = {("cliente.example", "TXT"): ["v=spf1 mx ip4:192.0.2.0/28 -all"]}
Table = dict[tuple[str, str], list[str]]


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    """A key of a sender's domain."""
    return rsa.generate_private_key(65537, 2048)


def _public(key: rsa.RSAPrivateKey) -> str:
    from base64 import b64encode

    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return f"v=DKIM1; k=rsa; p={b64encode(der).decode()}"


def _signed(
    key: rsa.RSAPrivateKey, raw: bytes = MAIL, *, by: bytes = b"cliente.example", **how
) -> bytes:
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    how.setdefault("canonicalize", (b"relaxed", b"relaxed"))
    return dkim.sign(raw, b"s1", by, pem, **how) + raw


def _keys(key: rsa.RSAPrivateKey, domain: str = "cliente.example") -> Table:
    return {(f"s1._domainkey.{domain}", "TXT"): [_public(key)]}


def _dns(*tables: Table) -> Callable[[str, str], list[str]]:
    known = {name: answer for table in tables for name, answer in table.items()}
    return lambda name, kind: known.get((name, kind), [])


def _judge(raw: bytes, resolve, peer: str = "203.0.113.9", mail_from: str = "") -> Auth:
    envelope = Envelope(mail_from=mail_from, rcpt_tos=(), received_at=AT, peer=peer)
    return vouch(raw, parse(raw), envelope, resolve)


def test_a_signature_of_the_sender_s_domain_is_aligned(key) -> None:
    """DKIM holds, DMARC asks for it: the sender is proven."""
    assert _judge(_signed(key), _dns(_keys(key), DMARC)) is Auth.ALIGNED


def test_a_signature_of_a_subdomain_counts_unless_strict(key) -> None:
    """One organisation signs under many names."""
    raw, keys = _signed(key, by=b"mail.cliente.example"), "mail.cliente.example"
    assert _judge(raw, _dns(_keys(key, keys), DMARC)) is Auth.ALIGNED
    strict = {("_dmarc.cliente.example", "TXT"): ["v=DMARC1; p=none; adkim=s"]}
    assert _judge(raw, _dns(_keys(key, keys), strict)) is Auth.NONE


def test_a_registry_is_no_organisation(key) -> None:
    """Two customers of one public suffix are strangers to each other."""
    table = {("_dmarc.example", "TXT"): ["v=DMARC1; p=none; psd=y"]}
    raw = _signed(key, by=b"evil.example")
    assert _judge(raw, _dns(_keys(key, "evil.example"), table)) is Auth.NONE
    raw = _signed(key)
    assert _judge(raw, _dns(_keys(key), table)) is Auth.ALIGNED


def test_someone_else_s_signature_proves_nothing(key) -> None:
    """A valid signature of another domain under a DMARC policy is none."""
    raw = _signed(key, by=b"evil.test")
    assert _judge(raw, _dns(_keys(key, "evil.test"), DMARC)) is Auth.NONE
    assert _judge(raw, _dns(_keys(key, "evil.test"))) is Auth.PARTIAL


@pytest.mark.parametrize(
    ("peer", "expected"),
    [("192.0.2.7", Auth.ALIGNED), ("192.0.2.77", Auth.NONE), ("", Auth.NONE)],
)
def test_spf_counts_for_the_envelope_s_domain(peer: str, expected: Auth) -> None:
    """The host may send for the very domain in From."""
    found = _judge(MAIL, _dns(SPF, DMARC), peer, "ana@cliente.example")
    assert found is expected


def test_spf_follows_mail_exchangers_and_addresses() -> None:
    """Mechanisms that ask more questions get their answers."""
    more = {
        ("cliente.example", "MX"): ["10 mx.cliente.example."],
        ("mx.cliente.example", "A"): ["198.51.100.4"],
    }
    table = _dns(SPF, DMARC, more)
    found = _judge(MAIL, table, "198.51.100.4", "ana@cliente.example")
    assert found is Auth.ALIGNED


def test_spf_of_another_domain_is_partial_at_best() -> None:
    """A null sender, and an envelope of somebody else, prove nobody in From."""
    other = {("evil.test", "TXT"): ["v=spf1 ip4:192.0.2.0/28 -all"]}
    assert _judge(MAIL, _dns(other), "192.0.2.7", "x@evil.test") is Auth.PARTIAL
    assert _judge(MAIL, _dns(other, DMARC), "192.0.2.7", "x@evil.test") is Auth.NONE
    assert _judge(MAIL, _dns(SPF, DMARC), "192.0.2.7", "") is Auth.NONE


def test_h21_a_partly_signed_body_is_unsigned(key) -> None:
    """H-21: with l= anybody can add to the body; a second, whole signature still
    counts."""
    partly = _signed(key, length=True)
    assert _judge(partly + b"more\r\n", _dns(_keys(key), DMARC)) is Auth.NONE
    assert _judge(partly, _dns(_keys(key), DMARC)) is Auth.NONE
    assert _judge(_signed(key, partly), _dns(_keys(key), DMARC)) is Auth.ALIGNED


def test_h21_two_senders_are_nobody(key) -> None:
    """H-21: more than one From, or one with two mailboxes, is not looked into."""
    for head in (b"From: eve@evil.test\r\n", b""):
        raw = head + _signed(key)
        if not head:
            raw = raw.replace(b"From: Ana", b"From: eve@evil.test, Ana")
        assert _judge(raw, _dns(_keys(key), DMARC)) is Auth.NONE


def test_a_changed_mail_is_not_signed(key) -> None:
    """Body and signed fields hold what was signed."""
    raw = _signed(key)
    for old, new in ((b"abre", b"fecha"), (b": painel", b": outra")):
        assert _judge(raw.replace(old, new), _dns(_keys(key), DMARC)) is Auth.NONE


def test_trouble_in_the_dns_vouches_for_nobody(key) -> None:
    """No answer, or a library that breaks, is no proof and no exception."""

    def silent(name: str, kind: str) -> list[str]:
        raise NoAnswer("timeout")

    def broken(name: str, kind: str) -> list[str]:
        raise ValueError("what is this")

    for resolve in (silent, broken, _dns()):
        found = _judge(_signed(key), resolve, "192.0.2.7", "ana@cliente.example")
        assert found is Auth.NONE
    two = {("_dmarc.cliente.example", "TXT"): ["v=DMARC1; p=none"] * 2}
    assert _judge(_signed(key), _dns(_keys(key), two)) is Auth.PARTIAL


def test_hostile_mail_costs_little(key) -> None:
    """Runs of blanks, a huge key, a hundred broken signatures: seconds at most."""
    started = time.perf_counter()
    blanks = MAIL + (b" " * 200_000 + b"x\r\n") * 4
    assert _judge(_signed(key) + b" " * 900_000, _dns(DMARC)) is Auth.NONE
    assert _judge(blanks, _dns(DMARC)) is Auth.NONE
    huge = {("s1._domainkey.cliente.example", "TXT"): ["v=DKIM1; p=" + "A" * 60_000]}
    assert _judge(_signed(key), _dns(huge, DMARC)) is Auth.NONE
    assert _judge(b"DKIM-Signature: v=1;;=\r\n" * 99 + MAIL, _dns(DMARC)) is Auth.NONE
    include = {("cliente.example", "TXT"): ["v=spf1 include:cliente.example -all"]}
    assert (
        _judge(MAIL, _dns(include, DMARC), "192.0.2.7", "a@cliente.example")
        is Auth.NONE
    )
    assert time.perf_counter() - started < 5


def test_questions_are_bounded_in_number_and_time() -> None:
    """The same question is asked once; too many, or too late, is no answer."""
    asked: list[str] = []
    now = [0.0]

    def resolve(name: str, kind: str) -> list[str]:
        asked.append(name)
        return []

    bounded = Bounded(resolve, lambda: now[0])
    for number in range(MOST_QUESTIONS):
        bounded(f"{number}.example.", "TXT")
        bounded(f"{number}.EXAMPLE", "TXT")
    assert len(asked) == MOST_QUESTIONS
    with pytest.raises(NoAnswer):
        bounded("more.example", "TXT")
    late = Bounded(resolve, lambda: now[0])
    now[0] = 1000.0
    with pytest.raises(NoAnswer):
        late("x.example", "A")


def test_the_owner_of_strasse_is_not_the_owner_of_straße(key) -> None:
    """IDNA2008 knows both domains: each vouches for its own people alone."""
    raw = MAIL.replace(b"cliente.example>\r\nTo", "straße.de>\r\nTo".encode())
    ascii_name, a_label = "strasse.de", "xn--strae-oqa.de"
    policies = [
        {(f"_dmarc.{name}", "TXT"): ["v=DMARC1; p=reject"]}
        for name in (ascii_name, a_label)
    ]
    spf = {(ascii_name, "TXT"): ["v=spf1 ip4:192.0.2.7 -all"]}
    dns = _dns(_keys(key, ascii_name), spf, *policies)
    signed = _signed(key, raw, by=ascii_name.encode())
    assert _judge(signed, dns, "192.0.2.7", "x@strasse.de") is Auth.NONE
    spf = {(a_label, "TXT"): ["v=spf1 ip4:192.0.2.7 -all"]}
    assert _judge(raw, _dns(spf, *policies), "192.0.2.7", "x@straße.de") is Auth.ALIGNED
    signed = _signed(key, raw, by=a_label.encode())
    dns = _dns(_keys(key, a_label), *policies)
    # An envelope without a domain that could vouch takes nothing from the signature.
    assert _judge(signed, dns, "192.0.2.7", "x@[192.0.2.7]") is Auth.ALIGNED


@pytest.mark.parametrize("sender", ["josé@cliente.example", '"a b"@cliente.example'])
def test_nobody_is_proven_to_be_an_address_no_letter_can_go_to(key, sender) -> None:
    """Such a sender is none to us, however truly his domain signed."""
    raw = MAIL.replace(b"ana@cliente.example", sender.encode())
    assert _judge(_signed(key, raw), _dns(_keys(key), DMARC)) is Auth.NONE


def test_settings_say_where_verifying_cannot_work() -> None:
    """LMTP has no host to look at, and a trusted border has the last word."""

    def wrong(**how: object) -> list[str]:
        found = errors(Settings(listener=(Listener(verify=True, **how),)))
        return [one.message for one in found if one.key == "listener.0.verify"]

    assert wrong() == []
    assert len(wrong(protocol="lmtp")) == 1
    assert len(wrong(trusted_authserv_ids=("mx.acme.example",))) == 1
    told = warnings(Settings(listener=(Listener(verify=True),)))
    assert not [one for one in told if "cannot tell" in one.message]
