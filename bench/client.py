"""Sends the mixed mails by SMTP, pipelined, in a process of its own.

It makes the mails first, says `ready`, waits for a line, sends, and prints one line of
JSON: when it began and ended, when each mail got its 250, and its own processor time.
"""

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from bench.corpus import Mail, mixed

SUPPORT = "suporte@acme.example"


@dataclass(slots=True)
class Sending:
    """What is left to send, and what became of the rest."""

    port: int
    mails: list[Mail]
    answered: dict[int, float] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)


async def _session(sending: Sending, work: "asyncio.Queue[int | None]") -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", sending.port)
    await reader.readline()
    writer.write(b"EHLO bench.example\r\n")
    while (await reader.readline())[3:4] == b"-":
        pass
    while (number := await work.get()) is not None:
        writer.write(_envelope(sending.mails[number]))
        replies = [await reader.readline() for _ in range(3)]
        if not replies[-1].startswith(b"354"):
            sending.refused.append(repr(replies))
            continue
        writer.write(_stuffed(sending.mails[number]))
        reply = await reader.readline()
        if reply.startswith(b"250"):
            sending.answered[number] = time.time()
        else:
            sending.refused.append(repr(reply))
    writer.close()


def _envelope(mail: Mail) -> bytes:
    return f"MAIL FROM:<{mail.sender}>\r\nRCPT TO:<{SUPPORT}>\r\nDATA\r\n".encode()


def _stuffed(mail: Mail) -> bytes:
    end = b".\r\n" if mail.content.endswith(b"\r\n") else b"\r\n.\r\n"
    return mail.content.replace(b"\r\n.", b"\r\n..") + end


async def _send(sending: Sending, connections: int, rate: float) -> None:
    work: asyncio.Queue[int | None] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_session(sending, work))
        begin = time.monotonic()
        for number in range(len(sending.mails)):
            if rate:
                await asyncio.sleep(begin + number / rate - time.monotonic())
            work.put_nowait(number)
        for _ in range(connections):
            work.put_nowait(None)


class Client:
    """The process, seen from the bench."""

    def __init__(
        self,
        port: int,
        count: int,
        *,
        big: bool,
        connections: int,
        rate: float = 0.0,
        first: int = 0,
    ) -> None:
        command = [sys.executable, "-m", "bench.client", str(port), str(count)]
        command += ["--connections", str(connections), "--rate", str(rate)]
        command += ["--seed", str(first + 1), *(["--big"] if big else [])]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == "ready\n"

    def go(self) -> None:
        """Let it send."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()

    def result(self) -> dict[str, Any]:
        """Wait for the end; what it has to say."""
        said, _ = self._process.communicate(timeout=900)
        found: dict[str, Any] = json.loads(said)
        assert not found["refused"], found["refused"][:3]
        return found

    def end(self) -> None:
        """Stop it, wherever it is."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.communicate()


def main() -> None:
    """Run as a program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("port", type=int)
    parser.add_argument("count", type=int)
    parser.add_argument("--connections", type=int, default=10)
    parser.add_argument("--rate", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--big", action="store_true")
    asked = parser.parse_args()
    mails = mixed(asked.count, seed=asked.seed, big=asked.big)
    sending = Sending(asked.port, mails)
    print("ready", flush=True)
    sys.stdin.readline()
    began, before = time.time(), resource.getrusage(resource.RUSAGE_SELF)
    asyncio.run(_send(sending, asked.connections, asked.rate))
    after = resource.getrusage(resource.RUSAGE_SELF)
    told = {
        "began": began,
        "ended": time.time(),
        "answered": sending.answered,
        "refused": sending.refused,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
    }
    print(json.dumps(told))


if __name__ == "__main__":
    main()
