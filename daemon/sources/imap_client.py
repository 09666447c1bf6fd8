"""imapclient, over a conversation of ours and with exceptions of ours.

The only importer of imapclient: its types, its defaults and what it raises end here.
"""

import contextlib
import ssl
from collections.abc import Iterator

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import (
    IMAPClientAbortError,
    IMAPClientError,
    LoginError,
    ProtocolError,
)

from chamado.daemon.sources import imap_login
from chamado.daemon.sources.imap_protocol import Imap4
from chamado.daemon.sources.imap_watch import Leave
from chamado.daemon.sources.imap_words import (
    Broken,
    Denied,
    MailboxTrouble,
    Refused,
    guarded,
    quoted,
    repeatable,
)


class Client(IMAPClient):  # type: ignore[misc]  # imapclient has no types
    """IMAPClient over a conversation that stands already."""

    def __init__(self, imap: Imap4) -> None:
        self._standing = imap
        # A time-out of 0 makes the socket non-blocking, as our wire wants it.
        super().__init__(
            imap.host, imap.port, ssl=False, timeout=SocketTimeout(None, 0.0)
        )
        # imapclient turns on imaplib's tracing, which writes out every body that comes
        # before it looks whether anybody wants to read it: 10 ms a megabyte.
        imap.debug = 0

    def _create_IMAP4(self) -> Imap4:
        return self._standing

    def show(self, user: str, secret: str, *, by_token: bool) -> None:
        """Log in; raises Refused or Broken when the server does not let us."""
        offered = self.capabilities()
        try:
            if by_token:
                name = imap_login.mechanism(offered)
                self.sasl_login(name, imap_login.bearer(name, user, secret))
            elif b"AUTH=PLAIN" in offered:
                self.plain_login(user, secret)
            else:
                self.login(quoted(user), guarded(secret, "the password"))
        except LoginError as error:
            if isinstance(error.__context__, IMAPClientAbortError):
                raise error.__context__ from None
            raise imap_login.refusal(str(error)) from None
        except ValueError:
            raise Refused("the password cannot be sent by LOGIN") from None


@contextlib.contextmanager
def translated(what: str) -> Iterator[None]:
    """Do one thing with the server; its library's exceptions end here."""
    try:
        yield
    except (Leave, MailboxTrouble):
        raise
    except ssl.SSLCertVerificationError as error:
        why = f"{error.verify_message}; name its authority in ca_file"
        raise Broken(f"the certificate of the server is not trusted: {why}") from error
    except OSError as error:
        raise Broken(f"{what}: {repeatable(error.strerror or error)}") from error
    except (IMAPClientAbortError, ProtocolError) as error:
        raise Broken(f"{what}: {repeatable(error)}") from error
    except IMAPClientError as error:
        raise Denied(f"{what}: {repeatable(error)}") from error
    except Exception as error:
        kind = type(error).__name__
        raise Broken(f"{what}: the answer cannot be read ({kind})") from error
