"""The ear of a service manager: a datagram socket that hears what a daemon reports."""

import shutil
import socket
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Self


class Manager:
    """Listens while the `with` lasts; `env` is what the daemon has to know.

    The socket lies in a short folder of its own: a Unix socket has no room for the path
    of a test's folder.
    """

    def __init__(self, watchdog_seconds: float) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="sd-"))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self._folder / "notify"))
        self.env = {
            "NOTIFY_SOCKET": str(self._folder / "notify"),
            "WATCHDOG_USEC": str(int(watchdog_seconds * 1e6)),
        }

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()
        shutil.rmtree(self._folder)

    def hears(self, word: str, seconds: float) -> bool:
        """Tell whether a datagram with this word comes within so many seconds."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                said = self._socket.recv(4096).decode()
            except TimeoutError:
                return False
            if word in said.splitlines():
                return True
        return False

    def forget(self) -> None:
        """Drop what was said until now."""
        self._socket.setblocking(False)
        try:
            while True:
                self._socket.recv(4096)
        except BlockingIOError:
            return
