"""Which relay the settings name: the one place where settings become a `Relay`."""

from pathlib import Path

from chamado.config import derive, settings
from chamado.notifier.maildir import MaildirRelay
from chamado.notifier.smtp import SmtpRelay
from chamado.notifier.types import Relay


def open_relay(relay: settings.Relay, data_dir: Path, *, ehlo_name: str = "") -> Relay:
    """Return the relay of the settings; nothing is connected or created yet.

    A maildir without a path is `data_dir/outgoing`. Without `ehlo_name` the relay is
    greeted with our address.
    """
    if relay.kind == "maildir":
        return MaildirRelay(relay.path or data_dir / "outgoing")
    return SmtpRelay(
        host=relay.host,
        port=relay.port,
        tls=relay.tls,
        ca_file=relay.ca_file,
        user=relay.user,
        password=lambda: derive.password(relay) or "",
        timeout=relay.timeout,
        ehlo_name=ehlo_name,
    )
