"""A daemon in poor surroundings goes on: no locale, nowhere to log, few descriptors."""

import contextlib
import json
import smtplib
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.crash import look
from tests.support.daemon import CHAMADO, SUPPORT, Daemon, wait_until, write_config
from tests.support.house import message


def _take(folder: Path, subject: str) -> None:
    """Hand a mail in at the LMTP socket, once it is there."""
    socket = folder / "lmtp"
    wait_until(socket.exists)
    with smtplib.LMTP(str(socket)) as client:
        client.sendmail("ana@example.com", SUPPORT, message(subject=subject))


def _subjects(config: Path) -> list[str]:
    done = subprocess.run(
        [str(CHAMADO), "--config", str(config), "ticket", "list", "--json"],
        capture_output=True,
        check=True,
    )
    return [case["subject"] for case in json.loads(done.stdout)]


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(("env", "-i"), id="F-42: an empty environment"),
        pytest.param(("env", "LC_ALL=C", "LANG=C"), id="F-42: the C locale"),
        pytest.param(
            ("sh", "-c", 'exec "$@" >/dev/full 2>&1', "sh"),
            id="F-38: the disk of the log is full",
        ),
        pytest.param(
            ("sh", "-c", 'exec "$@" >&- 2>&-', "sh"), id="F-38: no output at all"
        ),
        pytest.param(
            ("bash", "-c", 'exec "$@" > >(head -c 1) 2>&1', "bash"),
            id="F-38: the reader of the log is gone",
        ),
    ],
)
def test_mail_goes_on_in_poor_surroundings(
    before: tuple[str, ...], tmp_path: Path
) -> None:
    """The mail is a case with its own letters, whatever became of the output."""
    config = write_config(tmp_path, url := f"sqlite:///{tmp_path}/chamado.db")
    with Daemon(config, before=before, wait=False) as daemon:
        _take(tmp_path, "Não abre: čeština, 日本語")
        wait_until(lambda: look(url).idle())
        assert daemon.stop() == 0
    assert _subjects(config) == ["Não abre: čeština, 日本語"]


def test_f07_mail_is_taken_again_when_there_are_descriptors_again(
    tmp_path: Path,
) -> None:
    """F-07: clients that eat every descriptor cost nobody's mail and no restart."""
    config = write_config(tmp_path, url := f"sqlite:///{tmp_path}/chamado.db")
    few = ("prlimit", "--nofile=70:70")
    with Daemon(config, before=few) as daemon, contextlib.ExitStack() as greedy:
        assert daemon.send(message(subject="Antes", message_id="<a@x.example>"))
        for _ in range(80):
            where = ("127.0.0.1", daemon.smtp_port)
            greedy.enter_context(socket.create_connection(where))
        wait_until(
            lambda: len(list(Path(f"/proc/{daemon.process.pid}/fd").iterdir())) >= 69
        )
        greedy.close()
        wait_until(
            lambda: daemon.send(message(subject="Depois", message_id="<b@x.example>"))
        )
        wait_until(lambda: look(url).idle())
        assert daemon.stop() == 0
        assert "Traceback" not in daemon.output()
    assert sorted(_subjects(config)) == ["Antes", "Depois"]
