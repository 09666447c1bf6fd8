"""What `doctor` asks of the world: mailboxes, the relay, our certificates.

It logs in and opens folders for reading; it never marks a message and never hands a
letter over, except by `--send-test`, which says so.
"""

import os
import secrets
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chamado.config import derive
from chamado.config.certificates import server_context, why
from chamado.config.load import Loaded
from chamado.config.settings import Mailbox, Settings
from chamado.daemon import parts, reconcile
from chamado.daemon.checkup import Check, fail, ok, warn
from chamado.daemon.refusal import NotThere
from chamado.daemon.sources.imap_words import Denied, MailboxTrouble, Refused
from chamado.daemon.store.engine import StoreError
from chamado.daemon.store.upgrade import UnknownSchema
from chamado.notifier.addresses import UnusableAddress
from chamado.notifier.relay import open_relay
from chamado.notifier.smtp import SmtpRelay
from chamado.notifier.trial import trial_letter
from chamado.notifier.types import Fate, Relay

#: What makes a mailbox quick and tidy; it works without any of them.
CAPABILITIES = ("IDLE", "MOVE", "UIDPLUS")
#: A certificate that ends sooner than this should be renewed by now.
SOON = timedelta(days=14)


def certificates(loaded: Loaded) -> Iterator[Check]:
    """Key and certificate of every listener belong together and are in force."""
    for listener in loaded.settings.listener:
        if listener.tls_certificate and listener.tls_key:
            yield _certificate(
                f"tls.{listener.listen}",
                listener.tls_certificate,
                listener.tls_key,
                parts.utc_now(),
            )


def _certificate(name: str, certificate: Path, key: Path, now: datetime) -> Check:
    try:
        ends = expiry(certificate, key)
    except ssl.SSLCertVerificationError as error:
        return fail(name, f"{certificate}: {error.verify_message}", "renew it")
    except OSError as error:
        return fail(
            name, f"{certificate}: {why(error)}", "see tls_certificate and tls_key"
        )
    if ends < now:
        return fail(name, f"{certificate} ended on {ends:%Y-%m-%d}", "renew it")
    if ends - now < SOON:
        return warn(name, f"{certificate} ends on {ends:%Y-%m-%d}", "renew it")
    return ok(name, f"{certificate} is good until {ends:%Y-%m-%d}")


def expiry(certificate: Path, key: Path) -> datetime:
    """Return when a certificate ends, by shaking hands with ourselves in memory.

    The library tells a certificate's dates only of a peer. Raises SSLError or OSError
    for what cannot be used, SSLCertVerificationError for what is not in force.
    """
    server = server_context(certificate, key)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname = False
    client.load_verify_locations(certificate)
    client.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(10):
        if all([_shaken(ours), _shaken(theirs)]):
            break
    found = ours.getpeercert() or {}
    ends = ssl.cert_time_to_seconds(str(found["notAfter"]))
    return datetime.fromtimestamp(ends, UTC)


def _shaken(side: ssl.SSLObject) -> bool:
    try:
        side.do_handshake()
    except ssl.SSLWantReadError:
        return False
    return True


def mailboxes(loaded: Loaded) -> Iterator[Check]:
    """Every mailbox lets us in, has its folder, and can do what is asked of it."""
    for box in loaded.settings.mailbox:
        name = f"mailbox.{box.name}"
        try:
            yield from _looked_into(name, box, loaded)
        except MailboxTrouble as error:
            yield fail(name, f"{box.host}:{box.port}: {error}", _way_out(error, box))
        except derive.SecretError as error:
            yield fail(name, str(error), "its first line is the secret")


def _looked_into(name: str, box: Mailbox, loaded: Loaded) -> Iterator[Check]:
    derive.password(box)
    message_bytes = loaded.settings.limits.message_bytes
    with reconcile.connect(box, message_bytes) as connection:
        selected = connection.select()
        large = connection.larger(message_bytes)
        offered = [word for word in CAPABILITIES if connection.offers(word)]
    count = selected.exists
    able = f"offers {', '.join(offered)}" if offered else "offers no extension"
    yield ok(name, f"{box.user} is let in, {box.folder} holds {count} messages, {able}")
    if left := _left(loaded.settings, box, selected.uidvalidity, large):
        yield warn(
            f"{name}.large",
            f"{left} messages are larger than [limits] message_bytes "
            f"({message_bytes}), so they are left in {box.folder}",
            "raise it and restart, or take them out; chamado mailbox reconcile",
        )
    if box.idle and "IDLE" not in offered:
        yield warn(
            f"{name}.idle",
            f"new mail is noticed after up to {box.poll_seconds:g} s only",
            "lower poll_seconds: this server does not ring (no IDLE)",
        )
    if box.after.startswith("move:") and not {"MOVE", "UIDPLUS"} & {*offered}:
        yield warn(
            f"{name}.move",
            "what is moved stays behind, marked as deleted",
            "purge the folder now and then: this server has neither MOVE nor UIDPLUS",
        )


def _left(settings: Settings, box: Mailbox, uidvalidity: int, large: list[int]) -> int:
    """Count what is too large; where there is a ledger, without what is in it."""
    if not large:
        return 0
    try:
        store = parts.find_store(settings)
    except (NotThere, StoreError, UnknownSchema):
        return len(large)
    try:
        return reconcile.too_large(box, store, uidvalidity, large)
    finally:
        store.close()


def _way_out(error: MailboxTrouble, box: Mailbox) -> str:
    match error:
        case Refused():
            return "correct user and password_file, or token_command"
        case Denied():
            return f"correct folder = {box.folder!r}, or its rights"
        case _:
            return "correct host, port and tls, or wait for the server"


def relay(loaded: Loaded) -> Iterator[Check]:
    """The relay lets us in; nothing is handed over."""
    settings = loaded.settings
    opened = _relay(loaded)
    if isinstance(opened, SmtpRelay):
        where = f"{settings.relay.host}:{settings.relay.port}"
        try:
            trouble = opened.reach()
        finally:
            opened.close()
        if trouble:
            yield fail("relay", trouble, "correct [relay], or wait for the relay")
        else:
            yield ok("relay", f"{where} would take letters ({settings.relay.tls})")
        return
    folder = derive.relay_path(settings).absolute()
    said = f"letters are written to {folder} and not sent"
    nearest = next(f for f in (folder, *folder.parents) if f.exists())
    if not os.access(nearest, os.W_OK | os.X_OK):
        yield fail(
            "relay", f"{nearest} cannot be written by us", "chown it, or set path"
        )
    elif loaded.path is None:
        yield ok("relay", said)
    else:
        yield warn("relay", said, 'set [relay] kind = "smtp" to send them')


def send_test(loaded: Loaded, address: str) -> Iterator[Check]:
    """Hand one letter over to the relay, for real."""
    settings = loaded.settings
    domain = settings.service.domain
    try:
        letter = trial_letter(
            to=address,
            sender=derive.relay_from(settings),
            message_id=f"test.{secrets.token_hex(10)}@{domain}",
            at=parts.utc_now(),
        )
    except UnusableAddress as error:
        yield fail("send-test", str(error), "name another address")
        return
    opened = _relay(loaded)
    try:
        outcome = opened.send(letter)
    finally:
        opened.close()
    if outcome.fate is Fate.SENT:
        yield ok("send-test", f"handed over for {address}: {outcome.reply}")
    else:
        yield fail("send-test", outcome.reply, "correct [relay], or the address")


def _relay(loaded: Loaded) -> Relay:
    settings = loaded.settings
    return open_relay(
        settings.relay,
        settings.service.data_dir.absolute(),
        ehlo_name=settings.service.domain,
    )
