"""Letters go to a relay by SMTP, over one connection that is kept (RFC 5321).

`send` never raises and says what became of the letter. What is wrong with the relay or
with our settings (no STARTTLS, a bad certificate, a refused login) is never the fault
of a letter: it waits. Retrying is not decided here, but for the one case where nobody
could tell the difference: a kept connection that the relay closed in the meantime.
"""

import contextlib
import smtplib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

from chamado.config.derive import SecretError
from chamado.notifier.addresses import UnusableAddress, mailbox
from chamado.notifier.conversation import (
    REPLY_CHARS,
    Conversation,
    Reply,
    Tls,
    on_the_wire,
)
from chamado.notifier.text import one_line
from chamado.notifier.types import Fate, Letter, Outcome

_TROUBLE = (OSError, smtplib.SMTPException, UnicodeError, SecretError)
# "Authentication required", "encryption required" and their kin (RFC 4954 §6): said at
# MAIL, about us and not about the letter.
_ABOUT_US = frozenset((530, 534, 535, 538))
_QUIT_SECONDS = 5.0


class Cut(Exception):
    """The conversation ended before the final dot; nothing was handed over."""

    def __init__(self, why: str, *, relay_down: bool) -> None:
        super().__init__(why)
        self.relay_down = relay_down


class SmtpRelay:
    """A relay reached by SMTP; used by one thread.

    `tls` "none" is for loopback only, "starttls" and "implicit" demand a certificate
    that `ca_file` (else the system's authorities) vouches for and that names `host`.
    `password` is called at every login, so that a changed secret is seen. `timeout` and
    `dot_timeout` are seconds; a relay may take ten minutes over the final dot (RFC 5321
    §4.5.3.2.6), and who gives up earlier sends twice.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int = 25,
        tls: Tls = "none",
        ca_file: Path | None = None,
        user: str = "",
        password: Callable[[], str] | None = None,
        timeout: float = 60.0,
        dot_timeout: float = 600.0,
        ehlo_name: str = "",
    ) -> None:
        self._host = host
        self._port = port
        self._tls: Tls = tls
        self._ca_file = ca_file
        self._user = user
        self._password = password
        self._timeout = timeout
        self._dot_timeout = max(timeout, dot_timeout)
        self._ehlo_name = ehlo_name
        self._talk: Conversation | None = None

    def send(self, letter: Letter) -> Outcome:
        """Hand one letter over; see `Relay.send`."""
        try:
            for address in filter(None, (letter.mail_from, letter.rcpt_to or "?")):
                mailbox(address)
        except UnusableAddress as error:
            return Outcome(fate=Fate.REFUSED, reply=str(error))
        kept = self._talk is not None
        try:
            return self._attempt(letter)
        except Cut as cut:
            self._drop()
            return self._again(letter) if kept else _later(cut)

    def reach(self) -> str:
        """Greet, secure, log in, hand nothing over; say what went wrong, or nothing."""
        try:
            self._talk = self._talk or self._connect()
        except Cut as cut:
            return one_line(str(cut), REPLY_CHARS)
        return ""

    def holds(self, letter: Letter) -> bool:
        """Nobody can ask a relay what it has taken."""
        return False

    def close(self) -> None:
        """Say QUIT where there is somebody to say it to."""
        if self._talk is not None:
            self._talk.timeout = _QUIT_SECONDS
            with contextlib.suppress(*_TROUBLE):
                self._talk.quit()
        self._drop()

    def _again(self, letter: Letter) -> Outcome:
        try:
            return self._attempt(letter)
        except Cut as cut:
            self._drop()
            return _later(cut)

    def _attempt(self, letter: Letter) -> Outcome:
        if self._talk is None:
            self._talk = self._connect()
        with _cut("the relay broke off: {}", relay_down=False):
            refused = self._offer(self._talk, letter)
        return refused or self._hand_over(self._talk, letter)

    def _connect(self) -> Conversation:
        where = f"{self._host}:{self._port}"
        with _cut(f"no conversation with {where}: {{}}", relay_down=True):
            talk = Conversation(
                host=self._host,
                port=self._port,
                tls=self._tls,
                context=self._context(),
                timeout=self._timeout,
                ehlo_name=self._ehlo_name,
            )
        try:
            self._log_in(talk)
        except Cut:
            talk.close()
            raise
        return talk

    def _context(self) -> ssl.SSLContext | None:
        if self._tls == "none":
            return None
        cafile = None if self._ca_file is None else str(self._ca_file)
        return ssl.create_default_context(cafile=cafile)

    def _log_in(self, talk: Conversation) -> None:
        if not self._user:
            return
        with _cut("the relay's password cannot be read: {}", relay_down=True):
            password = self._password() if self._password else ""
        if not (self._user.isascii() and password.isascii()):
            raise Cut("the relay's login holds more than ASCII", relay_down=True)
        with _cut(f"no login as {self._user} at the relay: {{}}", relay_down=True):
            talk.login(self._user, password)

    def _offer(self, talk: Conversation, letter: Letter) -> Outcome | None:
        size = f" SIZE={len(letter.content)}" if talk.has_extn("size") else ""
        commands = [
            *(["RSET"] if talk.used else []),
            f"MAIL FROM:<{letter.mail_from}>{size}",
            f"RCPT TO:<{letter.rcpt_to}>",
            "DATA",
        ]
        replies = talk.ask(commands)
        for command, reply in zip(commands, replies, strict=False):
            if reply.code // 100 == (3 if command == "DATA" else 2):
                continue
            if command == "RSET":
                raise Cut(str(reply), relay_down=False)
            if replies[-1].code == 354:
                # It waits for a message to nobody, and a lone dot would send it one.
                self._drop()
            return _verdict(reply)
        return None

    def _hand_over(self, talk: Conversation, letter: Letter) -> Outcome:
        with _cut("the relay broke off within the letter: {}", relay_down=False):
            talk.hand_over(on_the_wire(letter.content))
        try:
            reply = talk.reply(self._dot_timeout)
        except _TROUBLE as error:
            self._drop()
            return Outcome(fate=Fate.UNKNOWN, reply=_words(error))
        if reply.code // 100 == 2:
            return Outcome(fate=Fate.SENT, reply=str(reply))
        if reply.code // 100 in (4, 5):
            if reply.code == 421:
                self._drop()
            return _verdict(reply, after_dot=True)
        self._drop()
        return Outcome(fate=Fate.UNKNOWN, reply=f"no answer that one can read: {reply}")

    def _drop(self) -> None:
        talk, self._talk = self._talk, None
        if talk is not None:
            talk.close()


def _verdict(reply: Reply, *, after_dot: bool = False) -> Outcome:
    """Say what a reply to MAIL, RCPT, DATA or the dot means for the letter."""
    if not after_dot and (reply.code == 421 or reply.code in _ABOUT_US):
        raise Cut(str(reply), relay_down=True)
    if not after_dot and (reply.code // 100 not in (4, 5) or reply.code == 503):
        # The relay and we are not at the same point of the conversation.
        raise Cut(f"the relay lost the thread: {reply}", relay_down=False)
    fate = Fate.REFUSED if reply.code // 100 == 5 else Fate.TRY_LATER
    return Outcome(fate=fate, reply=str(reply))


def _later(cut: Cut) -> Outcome:
    reply = one_line(str(cut), REPLY_CHARS)
    return Outcome(fate=Fate.TRY_LATER, reply=reply, relay_down=cut.relay_down)


@contextlib.contextmanager
def _cut(why: str, *, relay_down: bool) -> Iterator[None]:
    try:
        yield
    except _TROUBLE as error:
        raise Cut(why.replace("{}", _words(error)), relay_down=relay_down) from error


def _words(error: BaseException) -> str:
    """Say an error of the network, of TLS or of smtplib in clean words."""
    match error:
        case ssl.SSLCertVerificationError():
            said = f"its certificate is not accepted: {error.verify_message}"
        case smtplib.SMTPNotSupportedError():
            said = f"it does not offer what is demanded: {error}"
        case smtplib.SMTPResponseException():
            raw = error.smtp_error
            text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
            said = f"{error.smtp_code} {text}"
        case OSError():
            said = error.strerror or str(error) or type(error).__name__
        case _:
            said = str(error) or type(error).__name__
    return one_line(said, REPLY_CHARS)
