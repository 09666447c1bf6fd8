"""What follows from the settings: defaults that depend on others, look-ups, secrets.

Secrets are read here, at the moment of use, so that a rotated file is noticed at the
next connection and nothing but the connection holds them.
"""

from collections.abc import Callable, Iterable
from pathlib import Path

from chamado.config import urls
from chamado.config.address import Address, shown_address
from chamado.config.settings import Mailbox, Relay, Settings, SupportAddress
from chamado.config.spelling import identity


class SecretError(Exception):
    """A secret cannot be read; the text names the file, never the secret."""


def read_secret(path: Path) -> str:
    """Return the first line of a secret file without its line end.

    Raises SecretError for a file that is missing, unreadable, empty or no UTF-8.
    """
    try:
        text = (
            path.read_text(encoding="utf-8-sig").split("\n", maxsplit=1)[0].rstrip("\r")
        )
    except OSError as trouble:
        raise SecretError(f"{path}: {trouble.strerror}") from None
    except UnicodeDecodeError:
        raise SecretError(f"{path}: is not UTF-8 text") from None
    if not text:
        raise SecretError(f"{path}: the first line is empty")
    return text


def password(owner: Mailbox | Relay) -> str | None:
    """Return the password of a mailbox or the relay; None when it has none.

    Raises SecretError when it stands in a file that cannot be read.
    """
    if owner.password is not None:
        return owner.password.get_secret_value()
    return read_secret(owner.password_file) if owner.password_file else None


def database_url(settings: Settings) -> str:
    """Return sqlite:///… or postgresql://…; by default a file in the data folder.

    Raises SecretError when the URL stands in a file that cannot be read, or leads to
    no database.
    """
    if settings.database.url is not None:
        return settings.database.url.get_secret_value()
    if file := settings.database.url_file:
        url = read_secret(file)
        if wrong := urls.database_problem(url):
            raise SecretError(f"{file}: {wrong.message} — {wrong.hint}")
        return url
    return f"sqlite:///{settings.service.data_dir.absolute() / 'chamado.db'}"


def blobs_url(settings: Settings) -> str:
    """Return file:///… or s3://…; by default a folder in the data folder."""
    folder = settings.service.data_dir.absolute() / "blobs"
    return settings.blobs.url or f"file://{folder}"


def relay_path(settings: Settings) -> Path:
    """Return the maildir that outgoing mail is written to when there is no relay."""
    return settings.relay.path or settings.service.data_dir / "outgoing"


def support_addresses(settings: Settings) -> tuple[SupportAddress, ...]:
    """Return the addresses customers write to: never none, so that we have a name."""
    ours = SupportAddress(address=f"support@{settings.service.domain}")
    return settings.address or (ours,)


def teams(settings: Settings) -> tuple[str, ...]:
    """Return every team that the configuration names, sorted."""
    named = {support.team for support in support_addresses(settings)}
    named |= {team for agent in settings.agent for team in agent.teams}
    named |= {promise.team for promise in settings.promise}
    named |= {rule.team for rule in settings.rule}
    return tuple(sorted(named - {""}))


def relay_from(settings: Settings) -> Address:
    """Return the sender of automatic mail; by default the first support address."""
    if settings.relay.from_:
        return shown_address(settings.relay.from_)
    address = support_addresses(settings)[0].address
    return Address(name=settings.service.name, address=address)


def own_addresses(settings: Settings) -> frozenset[str]:
    """Return every lower-case address that is ourselves, without sub-addresses."""
    addresses = {a for s in settings.address for a in (s.address, *s.aliases)}
    return frozenset(addresses | {relay_from(settings).address})


def _find(settings: Settings, recipient: str) -> SupportAddress | None:
    # RFC 5321 §4.5.1: postmaster may come without a domain.
    wanted = identity(recipient) or recipient.lower()
    local, _, domain = wanted.rpartition("@")
    base = f"{local.partition('+')[0]}@{domain}"
    for support in settings.address:
        names = (support.address, *support.aliases)
        if wanted in names or (support.subaddress and base in names):
            return support
    domains = {support.address.rpartition("@")[2] for support in settings.address}
    if wanted in {"postmaster", *(f"postmaster@{one}" for one in domains)}:
        return settings.address[0] if settings.address else None
    return None


def known_recipient(settings: Settings) -> Callable[[str], bool]:
    """Return the question whether we take mail for an address (RFC 5321 §3.5).

    Yes for an address and its aliases, and for LOCAL+anything of these where the
    address says `subaddress = true`, however they are spelt. Yes also for postmaster,
    bare or at a domain of ours: every door has one (RFC 5321 §4.5.1).
    """
    return lambda recipient: _find(settings, recipient) is not None


def support_address_for(
    settings: Settings, recipients: Iterable[str]
) -> SupportAddress:
    """Return the support address the first known recipient means, else the first."""
    for recipient in recipients:
        if found := _find(settings, recipient):
            return found
    return support_addresses(settings)[0]


def mailbox_address(settings: Settings, mailbox: Mailbox) -> str:
    """Return the support address that mail in a mailbox was written to."""
    return mailbox.address or support_addresses(settings)[0].address


def verifies(settings: Settings, source: str) -> bool:
    """Tell whether a source finds out itself who wrote; only listeners can."""
    return any(
        listener.verify and source == f"{listener.protocol}:{listener.listen}"
        for listener in settings.listener
    )


def trusted_authserv_ids(settings: Settings, source: str) -> tuple[str, ...]:
    """Return whose Authentication-Results count on a source (RFC 8601 §2.5).

    Sources are named smtp:LISTEN, lmtp:LISTEN, imap:NAME and file; a source nobody
    configured trusts nobody.
    """
    for listener in settings.listener:
        if source == f"{listener.protocol}:{listener.listen}":
            return listener.trusted_authserv_ids
    for mailbox in settings.mailbox:
        if source == f"imap:{mailbox.name}":
            return mailbox.trusted_authserv_ids
    return ()
