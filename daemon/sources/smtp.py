"""Mail by SMTP and LMTP (RFC 5321, RFC 2033), on aiosmtpd.

aiosmtpd keeps the grammar of the commands and the state of a transaction. Its edges
are ours, because as they stand they lose mail or let a stranger take the machine: how
bytes come in and replies go out (smtp_wire), DATA (smtp_mail), the time limits, what
an exception becomes, and what happens to a commit when the client goes away. It never
relays, never authenticates, and says 250 only after the door's future has a result.

It is longer than most, because no other module may name aiosmtpd.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from typing import AnyStr, cast

import structlog
from aiosmtpd.smtp import SMTP, syntax
from aiosmtpd.smtp import Envelope as Transaction
from aiosmtpd.smtp import Session as Greeting

from chamado.config.settings import Listener
from chamado.daemon.sources import smtp_replies as replies
from chamado.daemon.sources.smtp_intake import Intake, facts
from chamado.daemon.sources.smtp_mail import Mail
from chamado.daemon.sources.smtp_path import is_host_name, split_command, split_path
from chamado.daemon.sources.smtp_post import Post
from chamado.daemon.sources.smtp_server import Server
from chamado.daemon.sources.smtp_wire import Gone, Wire

log = structlog.get_logger()

GREETING_SECONDS = 30.0
HANDSHAKE_SECONDS = 30.0
MAX_ERRORS = 20
MAX_CHATTER = 100

_WORK = frozenset({"MAIL", "RCPT", "DATA", "QUIT"})


class SmtpSource(Server):
    """All SMTP and LMTP listeners of the settings, on one loop in one thread."""

    name = "smtp"

    def __init__(
        self,
        *,
        listeners: Sequence[Listener],
        known: Callable[[str], bool],
        message_bytes: int,
        hostname: str,
        inherited: Mapping[str, socket.socket] | None = None,
        grace_seconds: float = 30.0,
        commit_seconds: float = 60.0,
    ) -> None:
        """Take the settings; nothing is opened yet.

        `known` says whether an address, in whatever case it was written, is ours.
        `message_bytes` is the limit of one mail; four times as much may be in memory
        at once. Raises TlsError for a certificate that is unusable.
        """
        posts = tuple(
            Post.of(
                listener,
                known=known,
                message_bytes=message_bytes,
                hostname=hostname,
            )
            for listener in listeners
        )
        super().__init__(
            posts,
            converse=Conversation,
            inherited=inherited or {},
            room=4 * message_bytes,
            grace_seconds=grace_seconds,
            commit_seconds=commit_seconds,
        )


class Policy:
    """What aiosmtpd asks about a sender and a recipient, for one listener."""

    def __init__(self, post: Post, intake: Intake) -> None:
        self._post = post
        self._intake = intake

    async def handle_MAIL(
        self,
        server: SMTP,
        greeting: Greeting,
        transaction: Transaction,
        address: str,
        options: list[str],
    ) -> str:
        """Take any sender while there is room for mail."""
        if not address.isascii() and not transaction.smtp_utf8:
            return replies.NEEDS_SMTPUTF8
        if await self._intake.unwell():
            return replies.NO_ROOM
        transaction.mail_from = address
        return replies.SENDER_OK

    async def handle_RCPT(
        self,
        server: SMTP,
        greeting: Greeting,
        transaction: Transaction,
        address: str,
        options: list[str],
    ) -> str:
        """Take only who is ours; whatever else an address says, nothing is relayed."""
        if not self._post.known(address):
            log.debug("smtp.recipient_unknown", peer=greeting.peer, recipient=address)
            return replies.UNKNOWN_RECIPIENT
        if len(transaction.rcpt_tos) >= self._post.listener.max_recipients:
            return replies.TOO_MANY_RECIPIENTS
        transaction.rcpt_tos.append(address)
        return replies.RECIPIENT_OK


class Conversation(SMTP):
    """One client, from the greeting to the goodbye."""

    envelope: Transaction
    session: Greeting

    def __init__(self, post: Post, intake: Intake, wires: set[Wire]) -> None:
        super().__init__(
            Policy(post, intake),
            data_size_limit=post.message_bytes,
            enable_SMTPUTF8=True,
            hostname=post.hostname,
            tls_context=post.tls.context,
            loop=asyncio.get_running_loop(),
        )
        self._wire = Wire(self.loop)
        self._wires = wires
        self._post = post
        self._intake = intake
        self._verbs = post.verbs()
        self._peer = ""
        self._trusted = False
        self._secure = False
        self._ends = 0.0
        self._errors = 0
        self._chatter = 0

    # What the transport tells goes to the wire. The base class would cancel the
    # conversation at EOF and at a lost connection, even in the midst of a commit.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, or turn it away with 421."""
        self._wire.connect(transport)
        self._peer = _peer(transport)
        now = self.loop.time()
        if self._intake.refuse(self._post.gate, self._peer, now):
            self._wire.dismiss(replies.BUSY)
            return
        settings = self._post.listener
        self._trusted = self._post.gate.trusts(self._peer)
        self._ends = now + settings.session_timeout
        self._give_time(min(GREETING_SECONDS, settings.idle_timeout))
        self._forget()
        self._wires.add(self._wire)
        self._handler_coroutine = self.loop.create_task(self._handle_client())
        self._handler_coroutine.add_done_callback(lambda _: self._part())

    def data_received(self, data: bytes) -> None:
        """Hand a block on."""
        self._wire.feed(data)

    def eof_received(self) -> bool:
        """Keep the other direction open for the replies that are still due."""
        self._wire.end()
        return not self._secure

    def connection_lost(self, error: Exception | None) -> None:
        """End the input; a commit that was begun goes on."""
        self._wire.end(lost=True)
        self._part()

    def pause_writing(self) -> None:
        """Wait with replies: the client does not read them."""
        self._wire.set_writable(False)

    def resume_writing(self) -> None:
        """Go on with replies."""
        self._wire.set_writable(True)

    def _part(self) -> None:
        """Free the place when both the connection and the conversation have ended."""
        talk = self._handler_coroutine
        if self._wire.lost and talk and talk.done() and self._wire in self._wires:
            self._wires.remove(self._wire)
            self._post.gate.leave(self._peer)

    def _forget(self) -> None:
        self.session = self._create_session()
        self.session.peer = self._peer
        self.envelope = self._create_envelope()

    def _give_time(self, seconds: float) -> None:
        self._wire.deadline = min(self.loop.time() + seconds, self._ends)

    # The conversation.

    async def _handle_client(self) -> None:
        try:
            protocol = "LMTP" if self._post.lmtp else "ESMTP"
            self._wire.say(f"220 {self.hostname} {protocol}")
            while not self._wire.leaving and (line := await self._wire.line()):
                await self._obey(line)
            await self._wire.flush()
        except Gone:
            pass
        except Exception as error:  # noqa: BLE001 — one client never harms the others
            log.error("smtp.conversation_failed", peer=self._peer, **facts(error))
        finally:
            self._wire.transport.close()

    async def _obey(self, line: bytes) -> None:
        if self._intake.closing:
            await self._wire.hang_up(replies.CLOSING)
            return
        verb, argument = split_command(line)
        try:
            await self._run(verb, argument)
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 — the sender keeps the mail
            log.error("smtp.command_failed", verb=verb, **facts(error))
            self._wire.say(replies.TRY_LATER)
        self._chatter += verb not in _WORK
        if self._errors > MAX_ERRORS:
            await self._send_away(replies.TOO_MANY_ERRORS)
        elif self._chatter > MAX_CHATTER:
            await self._send_away(replies.TOO_MUCH_CHATTER)
        elif not self._wire.leaving:
            self._give_time(self._post.listener.idle_timeout)

    async def _send_away(self, reply: str) -> None:
        log.info("smtp.sent_away", source=self._post.source, peer=self._peer, why=reply)
        await self._wire.hang_up(reply)

    async def _run(self, verb: str, argument: str | None) -> None:
        if not verb:
            await self.push(replies.LINE_UNCLEAN)
        elif verb not in self._verbs:
            await self.push(replies.UNRECOGNISED)
        else:
            await self._smtp_methods[verb](argument)

    async def push(self, status: AnyStr) -> None:
        """Say a reply, with the enhanced code if it lacks one, and count refusals."""
        text = status if isinstance(status, str) else status.decode()
        # A trusted relay may well bring a mail for many whom we do not know.
        if text[0] == "5" and not (self._trusted and text.startswith("550")):
            self._errors += 1
        self._wire.say(replies.enhanced(text))

    # The commands that aiosmtpd has otherwise, or not at all.

    async def smtp_HELO(self, hostname: str | None) -> None:
        """Greet without extensions."""
        await self._greet(hostname, [])

    async def smtp_EHLO(self, hostname: str | None) -> None:
        """Greet and name the extensions, each of which is true."""
        size = f"SIZE {self._post.message_bytes}"
        tls = ["STARTTLS"] if self._offers_tls() else []
        always = ["PIPELINING", size, "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"]
        await self._greet(hostname, always + tls)

    async def smtp_LHLO(self, hostname: str | None) -> None:
        """Greet in LMTP, which is EHLO by another name (RFC 2033 §4.1)."""
        await self.smtp_EHLO(hostname)

    async def _greet(self, name: str | None, extensions: list[str]) -> None:
        if not is_host_name(name or ""):
            await self.push(replies.BAD_NAME)
            return
        log.debug("smtp.greeted", peer=self._peer, name=ascii(name)[:80])
        self.envelope = self._create_envelope()
        self.session.host_name = name
        self.session.extended_smtp = bool(extensions)
        *most, last = [self.hostname, *extensions]
        for text in most:
            self._wire.say(f"250-{text}")
        self._wire.say(f"250 {last}")

    async def check_helo_needed(self, helo: str = "EHLO") -> bool:
        """Say that a greeting is missing, if it is."""
        if self.session.host_name:
            return False
        needed = "LHLO" if self._post.lmtp else helo
        await self.push(f"503 5.5.1 Send {needed} first")
        return True

    def _getaddr(self, arg: str) -> tuple[str | None, str | None]:
        found = split_path(arg)
        if found is None:
            return None, None
        address, parameters = found
        # aiosmtpd takes an empty sender for no sender; DATA makes it "" again.
        return address or "<>", parameters

    async def smtp_VRFY(self, arg: str | None) -> None:
        """Tell nobody who exists (RFC 5321 §7.3)."""
        await self.push(replies.CANNOT_VERIFY if arg else replies.NEEDS_ARGUMENT)

    async def smtp_HELP(self, arg: str | None) -> None:
        """Point to the manual of the protocol."""
        await self.push(replies.HELP)

    async def smtp_QUIT(self, arg: str | None) -> None:
        """Say goodbye."""
        await self.push(replies.NO_ARGUMENT if arg else replies.BYE)
        self._wire.leaving = not arg

    async def smtp_DATA(self, arg: str | None) -> None:
        """Receive one mail; the transaction is over with it, whatever became of it."""
        if await self.check_helo_needed():
            return
        transaction = self.envelope
        if arg or not transaction.rcpt_tos:
            await self.push(replies.NO_ARGUMENT if arg else replies.NO_RECIPIENT)
            return
        self.envelope = self._create_envelope()
        sender = transaction.mail_from or ""
        mail = Mail(
            wire=self._wire,
            post=self._post,
            intake=self._intake,
            peer=self._peer,
            sender="" if sender == "<>" else sender,
            recipients=tuple(transaction.rcpt_tos),
        )
        if await mail.receive():
            self._errors = self._chatter = 0

    def _offers_tls(self) -> bool:
        return self.tls_context is not None and not self._secure

    @syntax("STARTTLS", when="tls_context")
    async def smtp_STARTTLS(self, arg: str | None) -> None:
        """Start TLS, and forget all that was said or sent before it (RFC 3207 §4.2)."""
        if arg or not self._offers_tls():
            await self.push(replies.NO_ARGUMENT if arg else replies.NO_TLS)
            return
        self._wire.say(replies.TLS_READY)
        await self._wire.flush()
        # From here to the handshake nothing waits, so no plain byte slips in between.
        self._wire.drop()
        try:
            transport = await self.loop.start_tls(
                self._wire.transport,
                self,
                cast("ssl.SSLContext", self.tls_context),
                server_side=True,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
            )
        except OSError as error:
            log.info("smtp.tls_failed", peer=self._peer, **facts(error))
            self._wire.end(lost=True)
            raise Gone from error
        self._wire.connect(cast("asyncio.Transport", transport))
        self._secure = True
        self._forget()


def _peer(transport: asyncio.BaseTransport) -> str:
    """Name the client: its IP address, "" for a Unix socket."""
    name = transport.get_extra_info("peername")
    if isinstance(name, tuple):
        return str(name[0])
    sock = transport.get_extra_info("socket")
    # A client that is gone already has no name any more, and no trust.
    return "" if sock.family == socket.AF_UNIX else "0.0.0.0"  # noqa: S104 — a name
