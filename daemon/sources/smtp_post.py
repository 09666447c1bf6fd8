"""One listener as its conversations see it: settings, caps, certificate, policy."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from chamado.config.settings import Listener
from chamado.daemon.sources.smtp_gate import Gate
from chamado.daemon.sources.smtp_tls import Tls

_SMTP = frozenset({"HELO", "EHLO"})
_LMTP = frozenset({"LHLO"})
_BOTH = frozenset(
    {"MAIL", "RCPT", "DATA", "RSET", "NOOP", "QUIT", "VRFY", "HELP", "EXPN"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """A door of the house and its rules. `message_bytes` is the limit of one mail."""

    listener: Listener
    gate: Gate
    tls: Tls
    known: Callable[[str], bool]
    message_bytes: int
    hostname: str

    @classmethod
    def of(
        cls,
        listener: Listener,
        *,
        known: Callable[[str], bool],
        message_bytes: int,
        hostname: str,
    ) -> Self:
        """Build the post of a listener. Raises TlsError."""
        return cls(
            listener=listener,
            gate=Gate(
                total=listener.max_connections,
                per_address=listener.max_connections_per_address,
                per_minute=listener.connections_per_minute,
                trusted=listener.trusted_networks,
            ),
            tls=Tls(listener.tls_certificate, listener.tls_key),
            known=known,
            message_bytes=message_bytes,
            hostname=hostname,
        )

    @property
    def source(self) -> str:
        """Name this listener as RawMessage.source has it."""
        return f"{self.listener.protocol}:{self.listener.listen}"

    @property
    def lmtp(self) -> bool:
        """Say whether this listener speaks LMTP."""
        return self.listener.protocol == "lmtp"

    def verbs(self) -> frozenset[str]:
        """Return the commands that exist here; AUTH never does."""
        starttls = {"STARTTLS"} if self.tls.context else set()
        return _BOTH | (_LMTP if self.lmtp else _SMTP) | starttls

    def normalizes(self, peer: str) -> bool:
        """Say whether a bare CR or LF becomes CRLF here instead of being refused.

        A trusted relay took the mail as it came and would have to bounce it.
        """
        if self.listener.bare_newlines == "auto":
            return self.lmtp or self.gate.trusts(peer)
        return self.listener.bare_newlines == "normalize"
