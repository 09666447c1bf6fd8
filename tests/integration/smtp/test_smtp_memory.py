"""What big mail costs in memory, measured on a process of its own."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.smtp import END, Client, wait_for

MB = 1_000_000
LIMIT = 36_700_160
ROOT = Path(__file__).parents[3]


@dataclass
class Child:
    """The process, and what the kernel says of its memory."""

    process: "subprocess.Popen[str]"
    address: str
    rested: int = 0

    def resident(self, line: str = "VmRSS") -> int:
        """Return the resident octets now (VmRSS) or at their highest (VmHWM)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        found = next(text for text in status.splitlines() if text.startswith(line))
        return int(found.split()[1]) * 1024

    def forget_peak(self) -> int:
        """Begin a new highest mark; return what is resident now."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")
        return self.resident()


@pytest.fixture
def child() -> Iterator[Child]:
    """Start the source in a process of its own, warmed up by a small mail."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.support.smtp_child", str(LIMIT)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    with process:
        running = Child(process, process.stdout.readline().strip())
        with Client(running.address) as client:
            client.mail(b"x" * 100_000 + b"\r\n")
        running.rested = running.resident()
        yield running
        process.stdin.close()
        process.wait(30)


def test_a_mail_of_25_mb_costs_at_most_three_times_its_size(child: Child) -> None:
    """The peak is bounded, and given back, also the third time."""
    line = b"x" * 76 + b"\r\n"
    content = line * (25 * MB // len(line))
    for _ in range(3):
        before = child.forget_peak()
        with Client(child.address) as client:
            assert client.mail(content).startswith("250 ")
            assert child.resident("VmHWM") - before <= 3 * len(content)
        wait_for(lambda: child.resident() - child.rested < len(content) // 3)


def test_s10_an_endless_line_costs_less_than_twice_the_limit(child: Child) -> None:
    """100 MB without CRLF are swallowed or cut, never kept."""
    before = child.forget_peak()
    with Client(child.address) as client:
        client.begin()
        with contextlib.suppress(ConnectionError):
            for _ in range(100):
                client.send(b"a" * MB)
        assert client.reply() in ("552 5.3.4 Message too big", "")
    assert child.resident("VmHWM") - before < 2 * LIMIT


def test_f34_twenty_big_mails_at_once_stay_within_the_room(child: Child) -> None:
    """Each is stored or told to come again; memory stays below the sum of them."""
    content = b"x" * (25 * MB)
    clients = [Client(child.address) for _ in range(20)]
    before = child.forget_peak()
    with contextlib.ExitStack() as stack:
        for client in clients:
            stack.enter_context(client)
            client.begin()
            client.send(content)
        for client in clients:
            client.send(END)
        replies = [client.reply()[:9] for client in clients]
    assert set(replies) == {"250 2.0.0", "452 4.3.1"}
    assert replies.count("250 2.0.0") >= 4
    assert child.resident("VmHWM") - before < 6 * LIMIT
