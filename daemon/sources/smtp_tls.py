"""The certificate of one listener, and how it is renewed without a restart.

STARTTLS exists where a certificate is given, and only there (RFC 3207). A renewal
that fails leaves the old certificate in force.
"""

import ssl
from pathlib import Path

import structlog

from chamado.config import certificates

log = structlog.get_logger()


class TlsError(ValueError):
    """Certificate or key cannot be used; the text names the file and says why."""


class Tls:
    """The TLS context of a listener; None where it has no certificate."""

    def __init__(self, certificate: Path | None, key: Path | None) -> None:
        if (certificate is None) != (key is None):
            raise TlsError("tls_certificate and tls_key are given together or not")
        self._certificate = certificate
        self._key = key
        self.context = self._load()

    def reload(self) -> None:
        """Read certificate and key anew; for connections from now on."""
        try:
            self.context = self._load()
        except TlsError as error:
            log.error("smtp.certificate_not_renewed", why=str(error))

    def _load(self) -> ssl.SSLContext | None:
        if self._certificate is None:
            return None
        try:
            return certificates.server_context(self._certificate, self._key)
        except OSError as error:
            raise TlsError(f"{self._certificate}: {certificates.why(error)}") from error
