"""The units: closed as far as they can be, valid, and true to what they promise."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chamado.config.units import listen

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "systemd"
NAMES = ("chamado.service", "chamado-smtp.socket", "chamado-lmtp.socket")
PROGRAM = "/opt/chamado/bin/chamado"

needs_systemd = pytest.mark.skipif(
    not shutil.which("systemd-analyze"),
    reason="systemd-analyze is missing: units are neither verified nor scored",
)


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """Copy the units, with a program that exists on this machine."""
    for name in NAMES:
        text = (UNITS / name).read_text().replace(PROGRAM, sys.executable)
        (tmp_path / name).write_text(text)
    return tmp_path


def analyze(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run systemd-analyze on files; it needs neither root nor a running systemd."""
    return subprocess.run(
        ["systemd-analyze", *words], cwd=cwd, capture_output=True, text=True
    )


def exposure(folder: Path) -> subprocess.CompletedProcess[str]:
    """Score the service; the exit code tells whether it is at most 1.5 of 10."""
    words = ("security", "--offline=true", "--threshold=15", "./chamado.service")
    return analyze(*words, cwd=folder)


@needs_systemd
def test_the_service_is_closed(units: Path) -> None:
    """The exposure score stays at 1.5 or below; mail daemons as shipped have 8 to 9."""
    result = exposure(units)
    assert result.returncode == 0, result.stdout[-300:] + result.stderr
    (score,) = re.findall(r"chamado\.service: (\d+\.\d)", result.stdout)
    assert float(score) <= 1.5


@needs_systemd
def test_an_open_service_would_be_noticed(units: Path) -> None:
    """The gate closes: without its restrictions the same service does not pass."""
    text = (units / "chamado.service").read_text()
    open_text = re.sub("(?m)^(Protect|Private|SystemCall|Restrict[^P]).*", "", text)
    (units / "chamado.service").write_text(open_text)
    assert exposure(units).returncode != 0


@needs_systemd
def test_the_units_are_valid(units: Path) -> None:
    """systemd understands every line of every unit, and says nothing about them."""
    result = analyze("verify", "--man=no", *(f"./{n}" for n in NAMES), cwd=units)
    assert (result.returncode, _about_ours(result.stderr)) == (0, [])


def _about_ours(text: str) -> list[str]:
    # Units of this machine that ours refer to may have quarrels of their own.
    return [line for line in text.splitlines() if "chamado" in line]


@needs_systemd
def test_a_mistyped_directive_would_be_noticed(units: Path) -> None:
    """The check sees a directive that systemd would silently pass over."""
    with (units / "chamado.service").open("a") as unit:
        unit.write("[Service]\nProtectSytem=strict\n")
    result = analyze("verify", "--man=no", "./chamado.service", cwd=units)
    assert any("ProtectSytem" in line for line in _about_ours(result.stderr))


def directives(name: str) -> Iterator[tuple[str, str]]:
    """Yield (directive, value) of a unit file or a drop-in."""
    for line in (UNITS / name).read_text().splitlines():
        key, equals, value = line.partition("=")
        if equals and not line.startswith("#"):
            yield key, value


def test_exit_codes_stop_a_useless_restart() -> None:
    """A crash is restarted for ever, a wrong configuration never."""
    service = dict(directives("chamado.service"))
    assert service["StartLimitIntervalSec"] == "0"
    assert service["Restart"] == "on-failure"
    assert service["RestartPreventExitStatus"] == "64 78"
    assert service["Type"] == "notify"
    assert int(service["WatchdogSec"]) >= 30


def test_r10_no_secret_reaches_a_core_file_swap_or_the_process_list() -> None:
    """R-10: no core, no swap; secrets come as credentials, never by argv or
    environment."""
    service = dict(directives("chamado.service"))
    assert (service["LimitCORE"], service["MemorySwapMax"]) == ("0", "0")
    assert "password" not in service["ExecStart"].lower()
    assert not {"Environment", "EnvironmentFile"} & set(service)
    examples = (UNITS / "credentials.conf").read_text().splitlines()
    offered = [line for line in examples if re.match("#[A-Z][A-Za-z]+=", line)]
    assert offered
    assert all(line.startswith("#LoadCredential") for line in offered)


@pytest.mark.parametrize("name", ["smtp", "lmtp"])
def test_sockets_are_passed_under_the_name_the_settings_use(name: str) -> None:
    """`listen = "fd:NAME"` as the unit's own comment says fits its descriptor."""
    socket = dict(directives(f"chamado-{name}.socket"))
    assert socket["FileDescriptorName"] == name
    assert socket["Service"] == "chamado.service"
    comment = (UNITS / f"chamado-{name}.socket").read_text()
    written = re.search(r'listen = "([^"]+)"', comment)
    assert written
    assert listen(written[1]) == f"fd:{name}"


def test_the_drop_ins_change_nothing_by_themselves() -> None:
    """Copied as they are, the examples keep the service startable."""
    credentials = dict(directives("credentials.conf"))
    assert credentials == {}
    assert set(dict(directives("network.conf"))) == {"IPAddressDeny", "IPAddressAllow"}


def test_every_comment_and_directive_fits_a_narrow_terminal() -> None:
    """Units are read over ssh, at night; only the tables of the README are wider."""
    files = [file for file in UNITS.iterdir() if file.suffix != ".md"]
    lines = [line for file in files for line in file.read_text().splitlines()]
    assert max(map(len, lines)) <= 88


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a root folder as an installation leaves it: everybody may read."""
    folder = tmp_path / "root"
    (folder / "etc/chamado/credentials").mkdir(parents=True)
    (folder / "etc/chamado/chamado.toml").touch(0o644)
    (folder / "etc/chamado/credentials/imap").touch(0o644)
    return folder


@pytest.mark.skipif(
    not (shutil.which("systemd-sysusers") and os.geteuid() == 0),
    reason="only root with systemd can try sysusers and tmpfiles",
)
def test_user_and_folders_are_made_as_the_service_needs_them(root: Path) -> None:
    """The user exists, cannot log in, and reads the settings but not the secrets."""
    run("systemd-sysusers", f"--root={root}", UNITS / "chamado.sysusers")
    files = UNITS / "chamado.tmpfiles"
    run("systemd-tmpfiles", "--create", f"--root={root}", files)
    entry = (root / "etc/passwd").read_text().strip().split(":")
    assert (entry[0], entry[6]) == ("chamado", "/usr/sbin/nologin")
    group = int(entry[3])
    assert facts(root / "etc/chamado") == (0o750, 0, group)
    assert facts(root / "etc/chamado/chamado.toml") == (0o640, 0, group)
    assert facts(root / "etc/chamado/credentials") == (0o700, 0, 0)
    assert facts(root / "etc/chamado/credentials/imap") == (0o600, 0, 0)
    assert facts(root / "run/chamado") == (0o755, int(entry[2]), group)


def facts(path: Path) -> tuple[int, int, int]:
    """Return mode, user and group."""
    found = path.stat()
    return found.st_mode & 0o7777, found.st_uid, found.st_gid


def run(*words: object) -> str:
    """Run a command that has to succeed, and return what it said."""
    command = [str(word) for word in words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


# What the daemon needs of the system, in one breath: the limits of a parser child, a
# child process, a durable database, a socket, a thread, and every library loaded.
NEEDED = """
import mmap, multiprocessing, os, resource, socket, sqlite3, sys, threading
import aiosmtpd.smtp, alembic, apscheduler.schedulers.background, babel, imapclient
import jinja2, nh3, pydantic, sqlalchemy, starlette, uvicorn

def limited(answer):
    resource.setrlimit(resource.RLIMIT_CPU, (20, 20))
    resource.setrlimit(resource.RLIMIT_AS, (805306368, 805306368))
    answer.send(resource.getrlimit(resource.RLIMIT_AS)[0])

def refused(action):
    try:
        action()
    except PermissionError:
        return True
    return False

if __name__ == "__main__":
    context = multiprocessing.get_context("forkserver")
    ours, theirs = context.Pipe()
    child = context.Process(target=limited, args=(theirs,))
    child.start()
    assert ours.recv() == 805306368
    child.join()
    database = sqlite3.connect("x.db")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE t (a)")
    database.commit()
    socket.create_server(("127.0.0.1", 0)).close()
    thread = threading.Thread(target=lambda: os.fsync(os.open(".", os.O_RDONLY)))
    thread.start()
    thread.join()
    both = mmap.PROT_WRITE | mmap.PROT_EXEC
    assert refused(lambda: mmap.mmap(-1, 4096, prot=both))
    assert refused(lambda: os.chown("x.db", 0, 0))
    assert refused(lambda: os.nice(1))
"""


@needs_systemd
def test_the_filter_of_the_unit_leaves_what_the_daemon_needs(tmp_path: Path) -> None:
    """Under the unit's own system call filter children, limits and database work."""
    script = tmp_path / "needed.py"
    script.write_text(NEEDED)
    sandbox = Path(__file__).with_name("sandbox.py")
    command = [sys.executable, str(sandbox), sys.executable, str(script)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    if done.returncode == os.EX_UNAVAILABLE:
        pytest.skip(done.stderr.strip())
    assert done.returncode == 0, done.stderr
