"""Letters go into a maildir instead of out: for trying things out, and for tests.

A letter is on stable storage when `send` says SENT. It is stored as a delivering MTA
would store it: line ends of this machine, and the envelope in Return-Path and
Delivered-To (RFC 5321 §4.4). Sending the same letter twice makes one file.
"""

import hashlib
import os
import secrets
from pathlib import Path

from chamado.notifier import headers
from chamado.notifier.addresses import UnusableAddress, mailbox
from chamado.notifier.types import Fate, Letter, Outcome

_FOLDERS = ("tmp", "new", "cur")


class MaildirRelay:
    """A maildir that takes letters; made, with its folders, at the first letter."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, letter: Letter) -> Outcome:
        """Store one letter durably; see `Relay.send`."""
        try:
            content = _stored(letter)
        except UnusableAddress as error:
            return Outcome(fate=Fate.REFUSED, reply=str(error))
        try:
            self._write(_name(letter), content)
        except OSError as error:
            reply = f"{self._path}: {error.strerror or error}"
            return Outcome(fate=Fate.TRY_LATER, reply=reply, relay_down=True)
        return Outcome(fate=Fate.SENT, reply=f"stored as new/{_name(letter)}")

    def holds(self, letter: Letter) -> bool:
        """Whether the letter is here, in `new` or, with any flags, in `cur`."""
        name = _name(letter)
        try:
            if (self._path / "new" / name).exists():
                # Who renamed it may have been killed before this.
                _sync_folder(self._path / "new")
                return True
            return any((self._path / "cur").glob(f"{name}*"))
        except OSError:
            return False

    def close(self) -> None:
        """Nothing is kept open."""

    def _write(self, name: str, content: bytes) -> None:
        for folder in _FOLDERS:
            (self._path / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = self._path / "tmp" / f"{name}.{secrets.token_hex(8)}"
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(draft, flags, 0o600), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.rename(self._path / "new" / name)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync_folder(self._path / "new")


def _name(letter: Letter) -> str:
    return hashlib.sha256(letter.message_id.encode()).hexdigest()[:40]


def _stored(letter: Letter) -> bytes:
    sender = mailbox(letter.mail_from) if letter.mail_from else ""
    envelope = (
        headers.field("Return-Path", f"<{sender}>"),
        headers.field("Delivered-To", mailbox(letter.rcpt_to)),
    )
    content = "".join(envelope).encode("ascii") + letter.content
    return content.replace(b"\r\n", b"\n")


def _sync_folder(folder: Path) -> None:
    # A rename lives in the folder, so the folder has to reach the disk as well.
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
