"""Aiosmtpd as it comes, made durable in the plainest way: append, fsync, 250."""

import os
import sys
import time
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Append:
    """Keeps every mail in one file."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    async def handle_DATA(
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        """Append and sync; the loop waits meanwhile, as it does for everybody."""
        self._file.write(envelope.content or b"")
        os.fsync(self._file.fileno())
        return "250 2.0.0 ok"


def main() -> None:
    """Serve until killed."""
    port, path = int(sys.argv[1]), Path(sys.argv[2])
    Controller(Append(path), hostname="127.0.0.1", port=port).start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
