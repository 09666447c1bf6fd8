"""What we show to an IMAP server so that it lets us in.

A password, or an OAuth token that a command of the operator's prints. Neither is kept
longer than one login takes, and neither appears in any message or log.
"""

import base64
import contextlib
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Collection, Sequence

from chamado.daemon.sources.imap_watch import Pace
from chamado.daemon.sources.imap_wire import Tick
from chamado.daemon.sources.imap_words import Broken, Refused, quoted

_TOKEN = re.compile(rb"[\x21-\x7e]{1,16384}")
_TRY_LATER = 75
# Answers that blame the server and not us (RFC 5530 §3): no reason to wait an hour.
_NOT_OUR_FAULT = ("[UNAVAILABLE]", "[INUSE]", "[SERVERBUG]", "[LIMIT]")


def shown(
    command: Sequence[str], secret: Callable[[], str], *, tick: Tick, pace: Pace
) -> str:
    """Return the token that the command prints or, without one, the password."""
    if command:
        return token(command, tick=tick, pace=pace)
    try:
        return secret()
    except Exception as error:  # noqa: BLE001  # read from wherever it is kept
        raise Broken(f"no password ({type(error).__name__})") from None


def token(command: Sequence[str], *, tick: Tick, pace: Pace) -> str:
    """Return what the command prints: one line, the token.

    It runs without a shell and is killed after `pace.token` seconds. Raises Refused
    when it gives no token, Broken when a later try may (it took too long, or ended
    with sysexits' 75).
    """
    try:
        process = subprocess.Popen(  # noqa: S603  # the operator's own command
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except OSError as error:
        raise Refused(f"token_command cannot be run: {error.strerror}") from error
    try:
        printed = _output(process, tick, time.monotonic() + pace.token, pace.slice)
    finally:
        _end(process)
    if process.returncode == _TRY_LATER:
        raise Broken("token_command asks to try again later (75)")
    if process.returncode:
        raise Refused(f"token_command ended with status {process.returncode}")
    found = printed.strip()
    if not _TOKEN.fullmatch(found):
        raise Refused("token_command printed no token, which is one word on one line")
    return found.decode("ascii")


def _output(
    process: "subprocess.Popen[bytes]", tick: Tick, end: float, slice_: float
) -> bytes:
    while True:
        try:
            return process.communicate(timeout=slice_)[0]
        except subprocess.TimeoutExpired:
            tick()
            if time.monotonic() > end:
                raise Broken("token_command did not end in time") from None


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Leave no child behind, nor what it may have started and left running."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    if process.stdout:
        process.stdout.close()
    process.wait()


def mechanism(capabilities: Collection[bytes]) -> str:
    """Choose how to show a token: XOAUTH2 unless the server knows only RFC 7628."""
    if b"AUTH=OAUTHBEARER" in capabilities and b"AUTH=XOAUTH2" not in capabilities:
        return "OAUTHBEARER"
    return "XOAUTH2"


def bearer(mechanism: str, user: str, secret: str) -> Callable[[bytes], bytes]:
    """Return the answers of a SASL conversation that shows a token.

    A refusal comes as a second challenge, which is to be answered with as good as
    nothing before the server says NO (RFC 7628 §3.2.3).
    """
    if mechanism == "OAUTHBEARER":
        name = user.replace("=", "=3D").replace(",", "=2C")
        answers = [f"n,a={name},\x01auth=Bearer {secret}\x01\x01", "\x01"]
    else:
        answers = [f"user={user}\x01auth=Bearer {secret}\x01\x01", ""]

    def answer(_challenge: bytes) -> bytes:
        return (answers.pop(0) if len(answers) > 1 else answers[0]).encode()

    return answer


def traces(user: str, secret: str) -> tuple[str, ...]:
    """Return every form in which the secret goes over the wire, longest first."""
    said = [f"\0{user}\0{secret}", secret]
    said += [bearer(m, user, secret)(b"").decode() for m in ("XOAUTH2", "OAUTHBEARER")]
    coated = [base64.b64encode(words.encode()).decode() for words in said]
    return *coated, quoted(secret)[1:-1], secret


def refusal(text: str) -> Refused | Broken:
    """Tell a server that refuses us from one that has troubles of its own."""
    if any(code in text.upper() for code in _NOT_OUR_FAULT):
        return Broken(f"login is not possible now: {text}")
    return Refused(f"login refused: {text}")
