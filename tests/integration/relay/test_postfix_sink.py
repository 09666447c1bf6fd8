"""Sending to Postfix's own test server, which nobody here wrote."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chamado.notifier.render import Templates, sample
from chamado.notifier.smtp import SmtpRelay
from chamado.notifier.types import Fate, LetterKind
from tests.support.sink import free_port, wait_for_port

SMTP_SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin")

pytestmark = [
    pytest.mark.postfix,
    pytest.mark.skipif(
        SMTP_SINK is None, reason="Postfix's smtp-sink is not installed"
    ),
]

TEMPLATES = Templates()
ACK = TEMPLATES.compose(sample(LetterKind.ACK, "pt-BR"))


@contextmanager
def smtp_sink(folder: Path, *options: str) -> Iterator[int]:
    """Run smtp-sink on a free port, dumping every message into `folder`."""
    folder.chmod(0o777)
    command = [str(SMTP_SINK), "-R", str(folder), "-d", "mail.", *options]
    if os.geteuid() == 0:
        command += ["-u", "nobody"]
    port = free_port()
    server = subprocess.Popen([*command, f"127.0.0.1:{port}", "10"])
    try:
        wait_for_port(port)
        assert server.poll() is None
        yield port
    finally:
        server.terminate()
        server.wait(10)


def dumped(folder: Path) -> dict[bytes, bytes]:
    """Return what smtp-sink stored: content by envelope recipient."""
    found = {}
    for path in folder.glob("mail.*"):
        head, _, content = path.read_bytes().partition(b"\nReceived: ")
        # Its own Received field, of three lines, stands between.
        content = content.split(b"\n", 3)[3]
        (rcpt,) = [
            line for line in head.splitlines() if line.startswith(b"X-Rcpt-Args: ")
        ]
        found[rcpt.removeprefix(b"X-Rcpt-Args: ")] = content
    return found


@pytest.mark.parametrize("options", [(), ("-p",), ("-e",)])
def test_postfix_gets_the_very_bytes(tmp_path: Path, options: tuple[str, ...]) -> None:
    """With pipelining, without it and without ESMTP the content is what it was."""
    nasty = "a\r\n.\r\nb\n.\nc\r.\r\n..\n" + "x" * 5000 + "\n.x\x00"
    letters = [
        TEMPLATES.compose(
            replace(
                sample(LetterKind.REPLY, "en"),
                recipient=replace(
                    sample(LetterKind.REPLY, "en").recipient,
                    address=f"c{n}@example.com",
                ),
                text=nasty,
            )
        )
        for n in range(3)
    ]
    with smtp_sink(tmp_path, *options) as port:
        relay = SmtpRelay(host="127.0.0.1", port=port, timeout=10)
        assert [relay.send(letter).fate for letter in letters] == [Fate.SENT] * 3
        relay.close()
    arrived = dumped(tmp_path)
    assert len(arrived) == 3
    for letter in letters:
        content = arrived[f"<{letter.rcpt_to}>".encode()]
        assert content.rstrip(b"\n") == letter.content.replace(b"\r\n", b"\n").rstrip(
            b"\n"
        )


@pytest.mark.parametrize(
    ("options", "fate"),
    [
        (("-r", "MAIL"), Fate.TRY_LATER),
        (("-r", "."), Fate.TRY_LATER),
        (("-f", "RCPT"), Fate.REFUSED),
        (("-f", "DATA"), Fate.REFUSED),
        (("-f", "."), Fate.REFUSED),
        (("-q", "RCPT"), Fate.TRY_LATER),
        (("-q", "DATA"), Fate.TRY_LATER),
        (("-q", "."), Fate.UNKNOWN),
        (("-Q", "MAIL"), Fate.TRY_LATER),
        (("-r", "CONNECT"), Fate.TRY_LATER),
        (("-f", "CONNECT"), Fate.TRY_LATER),
        (("-f", "EHLO,HELO"), Fate.TRY_LATER),
    ],
)
def test_f17_postfix_refuses_delays_and_hangs_up(
    tmp_path: Path, options: tuple[str, str], fate: Fate
) -> None:
    """The fault matrix of a real relay: what each refusal means for the letter."""
    with smtp_sink(tmp_path, *options) as port:
        relay = SmtpRelay(host="127.0.0.1", port=port, timeout=10)
        outcomes = [relay.send(ACK) for _ in range(2)]
        relay.close()
    assert [outcome.fate for outcome in outcomes] == [fate] * 2
