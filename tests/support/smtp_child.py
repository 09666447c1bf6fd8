"""The SMTP source in a process of its own, so that a test can measure its memory.

`python -m tests.support.smtp_child LIMIT` prints where it listens, throws mail away,
and ends when its input does.
"""

import sys
import threading
from concurrent.futures import Future

from chamado.config.settings import Listener
from chamado.daemon.sources.smtp import SmtpSource
from chamado.daemon.sources.source import Accepted, RawMessage


class ThrowingDoor:
    """Accepts everything and keeps nothing."""

    def accept(self, raw: RawMessage) -> "Future[Accepted]":
        future: Future[Accepted] = Future()
        future.set_result(Accepted(inbox_id=1, fresh=True))
        return future

    def unwell(self) -> str | None:
        return None


def main() -> None:
    """Serve until the input ends."""
    source = SmtpSource(
        listeners=[Listener(listen="127.0.0.1:0", max_connections=200)],
        known=lambda _: True,
        message_bytes=int(sys.argv[1]),
        hostname="mx.acme.example",
    )
    (bound,) = source.open()
    sys.stdout.write(f"{bound.address}\n")
    sys.stdout.flush()
    stop = threading.Event()
    thread = threading.Thread(
        target=source.run, args=(ThrowingDoor(), stop, lambda: None)
    )
    thread.start()
    sys.stdin.read()
    stop.set()
    thread.join()


if __name__ == "__main__":
    main()
