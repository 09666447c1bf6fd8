"""The installed `chamado` as a subprocess, the way an operator runs it."""

import json
import os
import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

CHAMADO = Path(sys.executable).with_name("chamado")
SECONDS = 60.0
SUPPORT = "suporte@acme.example"
#: Room for the thousands of mails that some tests send from one address.
NO_CAPS = """
per_hour = 1000000
per_domain_hour = 1000000
per_address_pause = "0s"
per_address_day = 1000000
loop_burst = 1000000
loop_day = 1000000
loop_same_body = 1000000
"""
BIA = """
[[agent]]
address = "bia@acme.example"
name = "Bia"
"""


def by_smtp(port: int) -> str:
    """The lines of `[relay]` for a server on this machine."""
    return f'kind = "smtp"\nhost = "127.0.0.1"\nport = {port}\ntls = "none"'


def write_config(
    folder: Path,
    database_url: str,
    *,
    relay: str = 'kind = "maildir"',
    more: str = "",
    address: str = SUPPORT,
    listener: str = "",
    caps: str = NO_CAPS,
    agents: str = BIA,
) -> Path:
    """Write a configuration with one SMTP and one LMTP listener on free ports.

    `listener` are lines for both; with `caps=""` what is shipped limits the answers.
    """
    path = folder / "chamado.toml"
    path.write_text(
        f"""
[service]
name = "Acme Suporte"
domain = "{address.partition("@")[2]}"
data_dir = "{folder}/data"
[database]
url = "{database_url}"
[[address]]
address = "{address}"
subaddress = true
[[listener]]
listen = "127.0.0.1:0"
max_connections_per_address = 50
{listener}
[[listener]]
protocol = "lmtp"
listen = "unix:{folder}/lmtp"
{listener}
[relay]
{relay}
[http]
listen = "127.0.0.1:0"
[ack]
{caps}
{agents}
[limits]
disk_reserve_bytes = 0
{more}
"""
    )
    return path


def wait_until(met: Callable[[], Any], seconds: float = SECONDS) -> Any:
    """Wait for a condition; return what it returned; fail with its name."""
    end = time.monotonic() + seconds
    while not (found := met()):
        if time.monotonic() > end:
            raise AssertionError(f"{met} did not come true in {seconds} s")
        time.sleep(0.02)
    return found


class Daemon:
    """One `chamado run`; a context manager that ends it politely if it still runs.

    `before` is put before the command, for example strace with its options.
    """

    def __init__(
        self,
        config: Path,
        *arguments: str,
        before: Sequence[str] = (),
        wait: bool = True,
        env: dict[str, str] | None = None,
        embedded: bool = False,
    ) -> None:
        self.config = config
        self.log = config.parent / "log"
        self._out = self.log.open("ab")
        self._begin = self.log.stat().st_size
        self.process = subprocess.Popen(
            [
                *before,
                sys.executable,
                str(CHAMADO),
                *([] if embedded else ["--config", str(config)]),
                "run",
                *arguments,
            ],
            stdout=self._out,
            stderr=subprocess.STDOUT,
            cwd=config.parent,
            env={**os.environ, **(env or {})},
        )
        if wait:
            try:
                self.wait_for("Chamado is running")
                self.wait_for(r"data in ")
            except BaseException:
                # There is no `with` yet that would end it.
                self.kill()
                self._out.close()
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._out.close()

    def output(self) -> str:
        """What this daemon wrote so far."""
        with self.log.open("rb") as file:
            file.seek(self._begin)
            return file.read().decode(errors="replace")

    def wait_for(self, pattern: str) -> "re.Match[str]":
        """Wait for a line of the output; fail with the output if the daemon ended."""

        def seen() -> "re.Match[str] | None":
            if found := re.search(pattern, self.output()):
                return found
            if self.process.poll() is not None:
                raise AssertionError(f"the daemon ended:\n{self.output()}")
            return None

        found: re.Match[str] = wait_until(seen)
        return found

    @property
    def smtp_port(self) -> int:
        """Where SMTP listens."""
        return int(self.wait_for(r"smtp on 127\.0\.0\.1:(\d+)")[1])

    @property
    def http(self) -> str:
        """The base of its HTTP addresses."""
        port = self.wait_for(r"http on 127\.0\.0\.1:(\d+)")[1]
        return f"http://127.0.0.1:{port}"

    def send(
        self,
        content: bytes,
        *,
        mail_from: str = "ana@example.com",
        rcpt: str = SUPPORT,
    ) -> bool:
        """Send one mail; True when the daemon said 250 to its final dot."""
        return self.answer(content, mail_from=mail_from, rcpt=rcpt) == 250

    def answer(
        self,
        content: bytes,
        *,
        mail_from: str = "ana@example.com",
        rcpt: str = SUPPORT,
    ) -> int:
        """Send one mail; return the code of the reply that settled it, 0 for none."""
        settled = 0
        try:
            with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=60) as client:
                client.ehlo()
                code = client.mail(mail_from)[0]
                code = client.rcpt(rcpt)[0] if code == 250 else code
                settled = client.data(content)[0] if code == 250 else code
        except smtplib.SMTPResponseException as error:
            return settled or error.smtp_code
        except (OSError, smtplib.SMTPException):
            return settled
        return settled

    def kill(self) -> None:
        """End it as a power cut would end a process."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """End it with SIGTERM; return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS)


def chamado(config: Path, *arguments: str, stdin: bytes | None = None) -> str:
    """Run one command; fail with its output if it fails."""
    done = subprocess.run(
        [str(CHAMADO), "--config", str(config), *arguments],
        input=stdin,
        capture_output=True,
        cwd=config.parent,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def chamado_json(config: Path, *arguments: str) -> Any:
    """Run one command with --json; return the document."""
    return json.loads(chamado(config, *arguments, "--json"))
