"""Who wrote a mail that came straight from the network: SPF, DKIM, DMARC, by ourselves.

For doors without a mail border (`verify = true`). The result is a word of the same
table as a border's. Whatever goes wrong, in a library or in the DNS, vouches for
nobody. A signature over a part of the body (`l=`) is none: anyone can add to such a
mail. The libraries are the extra `mailauth` and are imported when they are needed.
"""

import re
from collections.abc import Iterator

import structlog

from chamado.config.spelling import UnusableAddress, domain_key, identity
from chamado.daemon import dmarc
from chamado.daemon.names import Bounded, NoAnswer, Resolve, from_dns
from chamado.parsers.types import Auth, Envelope, ParsedMessage

log = structlog.get_logger()

#: Signatures that are looked at; senders write one or two.
MOST_SIGNATURES = 5
#: The library takes the square of a run of blanks. An honest line is shorter than this
#: (RFC 5322 §2.1.1), and honest mail has fewer long runs.
_LONGEST_RUN, _LONG_RUN, _MOST_LONG_RUNS = 998, 64, 10_000
#: A key of 8192 bits fits. The owner of a larger one would have us count for minutes.
_LONGEST_KEY = 2_048
_PARTIAL = re.compile(rb"(?:^|;)\s*l\s*=", re.IGNORECASE)
#: RFC 8301 §3.1: the one with SHA-1 proves nothing any more.
_ALGORITHMS = (b"rsa-sha256", b"ed25519-sha256")


def vouch(
    raw: bytes,
    message: ParsedMessage,
    envelope: Envelope,
    resolve: Resolve = from_dns,
) -> Auth:
    """Say how far the sender in From is proven. Never raises on mail.

    Takes as long as the DNS, `names.MESSAGE_SECONDS` and one question more at most.
    """
    if message.from_count != 1 or message.sender is None:
        return Auth.NONE
    domain = identity(message.sender.address).rpartition("@")[2]
    if not domain:
        return Auth.NONE
    try:
        return _vouch(raw, domain, envelope, Bounded(resolve))
    except Exception as error:  # noqa: BLE001 - what cannot be checked proves nobody
        log.info("sender_not_verified", why=type(error).__name__)
        return Auth.NONE


def _vouch(raw: bytes, domain: str, envelope: Envelope, resolve: Resolve) -> Auth:
    signed_by = set(_signers(raw, resolve))
    sent_by = set(_spf(envelope, resolve))
    policy = dmarc.policy_of(domain, resolve)
    if policy.found:
        proven = dmarc.aligned(domain, policy, signed_by, sent_by, resolve)
        return Auth.ALIGNED if proven else Auth.NONE
    return Auth.PARTIAL if signed_by or sent_by else Auth.NONE


def _signers(raw: bytes, resolve: Resolve) -> Iterator[str]:
    """Yield the domains whose signatures hold (RFC 6376)."""
    import dkim

    if _costly(raw):
        return

    def key(name: bytes, timeout: float = 0) -> bytes | None:
        texts = resolve(name.decode("ascii"), "TXT")
        fits = len(texts) == 1 and len(texts[0]) <= _LONGEST_KEY
        return texts[0].encode() if fits else None

    checker = dkim.DKIM(raw)
    values = [v for name, v in checker.headers if name.lower() == b"dkim-signature"]
    for index, value in enumerate(values[:MOST_SIGNATURES]):
        if _PARTIAL.search(value):
            continue
        try:
            holds = dkim.DKIM(raw).verify(index, dnsfunc=key)
            fields = dkim.util.parse_tag_value(value)
            domain = domain_key(fields[b"d"].decode("ascii").rstrip("."))
        except Exception as error:  # noqa: BLE001 - another signature may hold
            log.debug("signature_not_checked", why=type(error).__name__)
            continue
        if holds and fields.get(b"a") in _ALGORITHMS:
            yield domain


def _costly(raw: bytes) -> bool:
    flat = raw.replace(b"\t", b" ")
    return b" " * _LONGEST_RUN in flat or flat.count(b" " * _LONG_RUN) > _MOST_LONG_RUNS


def _spf(envelope: Envelope, resolve: Resolve) -> Iterator[str]:
    """Yield the domain of the envelope sender if its host may send for it."""
    if not envelope.mail_from or "@" not in envelope.mail_from or not envelope.peer:
        return
    import spf

    class _Query(spf.query):  # type: ignore[misc]  # the library has no types
        def dns(
            self, name: str, qtype: str, cnames: object = None, **_options: object
        ) -> list[object]:
            try:
                found = resolve(str(name), qtype)
            except NoAnswer as error:
                raise spf.TempError(str(error)) from error
            return [_as_spf_reads(one, qtype) for one in found]

    local, _, written = envelope.mail_from.rpartition("@")
    try:
        domain = domain_key(written.rstrip("."))
    except UnusableAddress:
        return
    sender = f"{local}@{domain}"
    if _Query(i=envelope.peer, s=sender, h=domain).check()[0] == "pass":
        yield domain


def _as_spf_reads(answer: str, qtype: str) -> object:
    if qtype == "TXT":
        return (answer.encode(),)
    if qtype == "MX":
        preference, _, host = answer.partition(" ")
        return int(preference), host.rstrip(".")
    return answer.rstrip(".")
