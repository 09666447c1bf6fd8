"""Certificates and keys: loaded, or what is wrong with them in words."""

import ssl
from pathlib import Path

_WORDS = {
    "KEY_VALUES_MISMATCH": "the certificate and the key do not belong together",
    "NO_CERTIFICATE_OR_CRL_FOUND": "holds no certificate in PEM",
}
# OpenSSL has one word for all of this, and it is none for people.
_UNREAD = "certificate or key is no PEM, or the key has a password"


def server_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """Load what a listener shows; raises OSError, of which SSLError is a kind.

    A key that wants a password is refused: nobody is there to be asked for it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(certificate, key, password=lambda: b"")
    return context


def why(error: OSError) -> str:
    """Say what is wrong with a certificate, without the file's name."""
    if isinstance(error, ssl.SSLError):
        return _WORDS.get(error.reason or "", error.reason or _UNREAD)
    return error.strerror or "unusable"


def pair_trouble(certificate: Path, key: Path) -> str:
    """Say why a listener cannot use certificate and key, or nothing."""
    try:
        server_context(certificate, key)
    except OSError as error:
        return why(error)
    return ""


def authority_trouble(file: Path) -> str:
    """Say why nothing can be vouched for by a file of authorities, or nothing."""
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(cafile=file)
    except OSError as error:
        return why(error)
    return ""
