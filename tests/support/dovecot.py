"""A real Dovecot of one's own: on loopback, with its own configuration and mail.

It lives in a short folder of its own below the temporary folder and not in `tmp_path`:
its mail processes run as an unprivileged user who may not enter pytest's folders, and
a Unix socket has no room for a long path.
"""

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import trustme

PROGRAM = "/usr/sbin/dovecot"
DOMAIN = "localhost"
_numbers = itertools.count(1)


def installed() -> bool:
    """Whether there is a Dovecot to start."""
    return Path(PROGRAM).exists()


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _mail_user() -> pwd.struct_passwd:
    """Return who owns the mail: ourselves, or somebody harmless if we are root."""
    return pwd.getpwuid(os.getuid()) if os.getuid() else pwd.getpwnam("nobody")


@dataclass
class Dovecot:
    """A server with one user. `extra` are lines for its configuration."""

    extra: str = ""
    user: str = "support"
    password: str = "s3cret-Ünïcode pass"
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp("", "dc-")))
    port: int = 0
    tls_port: int = 0
    process: "subprocess.Popen[bytes] | None" = None

    def __post_init__(self) -> None:
        self.folder.chmod(0o711)
        self.home = self.folder / "home"
        self.ca_file = self.folder / "ca.pem"
        self.log = self.folder / "log"
        owner = _mail_user()
        self.home.mkdir()
        os.chown(self.home, owner.pw_uid, owner.pw_gid)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        certificate = authority.issue_cert("localhost", "127.0.0.1")
        certificate.private_key_pem.write_to_path(self.folder / "key.pem")
        (self.folder / "cert.pem").write_bytes(
            b"".join(pem.bytes() for pem in certificate.cert_chain_pems)
        )
        self.set_password(self.password)

    def set_password(self, password: str) -> None:
        """Change what the server accepts, from the next login on."""
        self.password = password
        (self.folder / "users").write_text(f"{self.user}:{{PLAIN}}{password}\n")

    def configuration(self) -> str:
        """Return the whole configuration file."""
        ours = pwd.getpwuid(os.getuid()).pw_name
        inner, login = (ours, ours) if os.getuid() else ("dovecot", "dovenull")
        owner, at = _mail_user(), self.folder
        return f"""
protocols = imap
listen = 127.0.0.1
base_dir = {at}/run
state_dir = {at}/state
log_path = {at}/log
ssl = yes
ssl_cert = <{at}/cert.pem
ssl_key = <{at}/key.pem
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
default_internal_user = {inner}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:~/Maildir
mail_fsync = never
passdb {{
  driver = passwd-file
  args = {at}/users
}}
userdb {{
  driver = static
  args = uid={owner.pw_uid} gid={owner.pw_gid} home={self.home}
}}
namespace inbox {{
  inbox = yes
  separator = /
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {self.port}
  }}
  inet_listener imaps {{
    port = {self.tls_port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 50
}}
{self.extra}
"""

    def mailbox(self, name: str = "box") -> str:
        """Return the lines of a configuration of ours that watches it."""
        return f"""
[[mailbox]]
name = "{name}"
host = "127.0.0.1"
port = {self.port}
tls = "none"
user = "{self.user}"
password = "{self.password}"
poll_seconds = 5
"""

    def start(self) -> None:
        """Start and wait until it greets; ports stay the same over restarts."""
        self.port = self.port or free_port()
        self.tls_port = self.tls_port or free_port()
        configuration = self.folder / "dovecot.conf"
        configuration.write_text(self.configuration())
        self.process = subprocess.Popen(
            [PROGRAM, "-F", "-c", str(configuration)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        end = time.monotonic() + 20
        while time.monotonic() < end:
            with (
                contextlib.suppress(OSError),
                socket.create_connection(("127.0.0.1", self.port), 1) as probe,
            ):
                probe.settimeout(5)
                if probe.recv(4):
                    return
            time.sleep(0.02)
        raise AssertionError(f"Dovecot did not start:\n{self.log_text()}")

    def stop(self) -> None:
        """Stop it with everybody who is connected, which it would do in ten seconds."""
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        """Stop and start on the same ports."""
        self.stop()
        self.start()

    def close(self) -> None:
        """Kill it and remove everything."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, how: signal.Signals) -> None:
        # It leads a process group of its own, so this reaches its children only.
        if self.process:
            os.killpg(self.process.pid, how)
            self.process.wait(20)
            self.process = None

    def log_text(self) -> str:
        """Return what the server logged."""
        return self.log.read_text() if self.log.exists() else ""

    # Mail, by way of the file system: quicker than any protocol.

    def maildir(self, folder: str = "INBOX") -> Path:
        """Return the maildir of a folder, by its name in the file system."""
        root = self.home / "Maildir"
        return root if folder == "INBOX" else root / f".{folder}"

    def deliver(
        self,
        content: bytes,
        *,
        folder: str = "INBOX",
        flags: str | None = None,
        at: float | None = None,
    ) -> Path:
        """Put a message into a maildir as a delivery agent would; `at` is its date."""
        owner, maildir = _mail_user(), self.maildir(folder)
        for part in ("tmp", "new", "cur"):
            if not (maildir / part).exists():
                (maildir / part).mkdir(parents=True)
                for made in (maildir.parent, maildir, maildir / part):
                    os.chown(made, owner.pw_uid, owner.pw_gid)
        name = f"{int(time.time())}.M{next(_numbers)}P{os.getpid()}.test"
        draft = maildir / "tmp" / name
        draft.write_bytes(content)
        os.chown(draft, owner.pw_uid, owner.pw_gid)
        if at is not None:
            os.utime(draft, (at, at))
        final = (
            maildir / "new" / name
            if flags is None
            else maildir / "cur" / f"{name}:2,{flags}"
        )
        draft.rename(final)
        return final

    def files(self, folder: str = "INBOX") -> list[Path]:
        """Return the messages of a folder."""
        maildir = self.maildir(folder)
        return sorted(
            file
            for part in ("new", "cur")
            if (maildir / part).exists()
            for file in (maildir / part).iterdir()
        )

    def contents(self, folder: str = "INBOX") -> set[bytes]:
        """Return what the messages of a folder hold; the server may rename them."""
        while True:
            with contextlib.suppress(FileNotFoundError):
                return {file.read_bytes() for file in self.files(folder)}

    def forget_uids(self, folder: str = "INBOX") -> None:
        """Lose the UID list, which makes a new UIDVALIDITY; stop the server before."""
        for pattern in ("dovecot-uidlist*", "dovecot.*"):
            for file in self.maildir(folder).glob(pattern):
                file.unlink()
