"""The IMAP source against a real Dovecot: every mail in once, and only then moved."""

import hashlib
import imaplib
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from chamado.daemon.sources.source import Accepted, RawMessage
from tests.integration.imap.conftest import BRISK, Start
from tests.support.doors import Ledger, MemoryBook, MemoryDoor
from tests.support.dovecot import Dovecot

pytestmark = pytest.mark.dovecot

NO_MOVE = "imap_capability = IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+ UIDPLUS"
NO_UIDPLUS = "imap_capability = IMAP4rev1 SASL-IR ID ENABLE IDLE LITERAL+"
NO_IDLE = "imap_capability = IMAP4rev1 SASL-IR ID ENABLE LITERAL+ UIDPLUS MOVE"


def mail(number: int, size: int = 200) -> bytes:
    """Return a message like no other."""
    head = f"From: ana@example.com\r\nSubject: case {number}\r\n\r\n".encode()
    return head + b"screenshot attached\r\n" * (size // 21 + 1)


def at(server: Dovecot, **settings: object) -> dict[str, object]:
    """Return the settings of a mailbox on this server, in clear on loopback."""
    there = {"port": server.port, "password": lambda: server.password}
    return {**there, "user": server.user, **settings}


def other_client(server: Dovecot) -> imaplib.IMAP4:
    """Return somebody else's session on the same mailbox."""
    client = imaplib.IMAP4("127.0.0.1", server.port)
    client.authenticate(
        "PLAIN", lambda _: f"\0{server.user}\0{server.password}".encode()
    )
    client.select("INBOX")
    return client


def test_five_thousand_mails_are_taken_in_once_each(
    dovecot: Dovecot, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """A backlog of 5,000 is offered exactly once each, and the mailbox empties."""
    for number in range(5000):
        dovecot.deliver(mail(number))
    start(**at(dovecot))
    ledger.wait_for_rows(5000, 60)
    ledger.wait_until(lambda: not dovecot.files(), 30)
    assert len(door.offered) == len(set(door.offered)) == 5000
    assert set(ledger.contents.values()) == {1}
    assert len(dovecot.files("Processed")) == 5000


def test_new_mail_is_noticed_within_two_seconds(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """IDLE rings for each new mail, also for one that comes right after another."""
    start(**at(dovecot))
    ledger.wait_until(lambda: bool(ledger.reports))
    for number in range(6):
        before = time.monotonic()
        dovecot.deliver(mail(number))
        ledger.wait_for_rows(number + 1, 5)
        assert time.monotonic() - before < 2


def test_without_idle_new_mail_is_found_by_polling(
    make_dovecot: Callable[..., Dovecot], start: Start, ledger: Ledger
) -> None:
    """A server that knows no IDLE is asked every `poll_seconds`."""
    server = make_dovecot(NO_IDLE)
    start(**at(server, poll_seconds=0.2))
    ledger.wait_until(lambda: bool(ledger.reports))
    server.deliver(mail(1))
    ledger.wait_for_rows(1, 5)


@pytest.mark.parametrize(
    ("poll_seconds", "awake"), [(0.1, 240), (60, 0.1)], ids=["polled", "idle"]
)
def test_a_mailbox_that_is_read_stays_successful_though_nothing_changes(
    dovecot: Dovecot, start: Start, ledger: Ledger, poll_seconds: float, awake: float
) -> None:
    """Each pass, and each answer of the server between two, is success anew: the
    alarm asks how long ago that was."""
    pace = replace(BRISK, awake=awake, note=0.05)
    start(**at(dovecot, poll_seconds=poll_seconds), pace=pace)
    ledger.wait_until(lambda: ledger.successes >= 4)
    assert set(ledger.reports) == {("support", True, "")}


def test_a_mail_left_in_a_mailbox_does_not_hide_that_the_mailbox_is_read(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """What needs a person is the trouble of that mail, not of the watch."""
    dovecot.deliver(mail(1, 20_000))
    pace = replace(BRISK, note=0.05)
    start(**at(dovecot, message_bytes=10_000, poll_seconds=0.1), pace=pace)
    ledger.wait_until(lambda: ledger.successes >= 4)
    assert all("more than" in error for *_, error in ledger.reports)


def test_success_is_not_written_at_each_pass(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """Hundreds of mailboxes share one database: once a minute each is enough."""
    start(**at(dovecot, poll_seconds=0.05), pace=replace(BRISK, awake=0.05))
    for number in range(5):
        dovecot.deliver(mail(number))
        ledger.wait_for_rows(number + 1)
    assert ledger.successes <= 1


def test_i01_mail_that_somebody_has_read_is_still_taken_in(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """The Seen flag says that a human looked, not that we have it."""
    dovecot.deliver(mail(1), flags="S")
    dovecot.deliver(mail(2))
    start(**at(dovecot))
    ledger.wait_for_rows(2)


def test_the_envelope_says_when_it_arrived_and_for_whom(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """The server's date counts as arrival; nobody named a sender."""
    dovecot.deliver(mail(1), at=1_790_000_000)
    start(**at(dovecot))
    ledger.wait_for_rows(1)
    (raw,) = ledger.rows.values()
    assert raw.content == mail(1)
    assert raw.source == "imap:support"
    assert raw.source_key.startswith("imap:support/INBOX;")
    assert raw.envelope.mail_from is None
    assert raw.envelope.rcpt_tos == ("suporte@acme.example",)
    assert raw.envelope.received_at == datetime.fromtimestamp(1_790_000_000, UTC)


@pytest.mark.parametrize(
    ("after", "ending"), [("seen", ":2,S"), ("flag:Chamado", ":2,a"), ("keep", "")]
)
def test_mail_that_stays_is_marked_as_wished_and_not_read_again(
    dovecot: Dovecot,
    start: Start,
    ledger: Ledger,
    door: MemoryDoor,
    after: str,
    ending: str,
) -> None:
    """With seen, flag and keep the book remembers, over restarts too."""
    dovecot.deliver(mail(1))
    first = start(**at(dovecot, after=after))
    ledger.wait_until(lambda: any(s.last_uid == 1 for s in ledger.states.values()))
    first.end()
    dovecot.deliver(mail(2))
    start(**at(dovecot, after=after))
    ledger.wait_until(lambda: any(s.last_uid == 2 for s in ledger.states.values()))
    assert len(door.offered) == 2
    names = [file.name for file in dovecot.files()]
    assert len(names) == 2
    assert all(name.endswith(ending) or after == "keep" for name in names)
    assert after != "keep" or not any("S" in n.partition(":2,")[2] for n in names)


@pytest.mark.parametrize("extra", ["", NO_MOVE, NO_UIDPLUS])
def test_i14_what_another_client_marked_as_deleted_is_never_expunged(
    make_dovecot: Callable[..., Dovecot], start: Start, ledger: Ledger, extra: str
) -> None:
    """However the server lets us move, mail outside the move stays where it is."""
    server = make_dovecot(extra)
    for number in range(3):
        server.deliver(mail(number))
    start(**at(server, message_bytes=10_000, after="move:Done"))
    ledger.wait_for_rows(3)
    ledger.wait_until(lambda: len(server.files("Done")) == 3)
    server.deliver(mail(3, 20_000))
    ledger.wait_until(lambda: any("more than" in error for *_, error in ledger.reports))
    other = other_client(server)
    other.store("1:*", "+FLAGS", "\\Deleted")
    server.deliver(mail(4))
    ledger.wait_for_rows(4)
    ledger.wait_until(lambda: len(server.files("Done")) == 4)
    expected = 5 if extra == NO_UIDPLUS else 1
    ledger.wait_until(lambda: len(server.files()) == expected)
    other.shutdown()
    assert mail(3, 20_000) in server.contents()


def test_without_uidplus_a_restart_does_not_copy_again(
    make_dovecot: Callable[..., Dovecot], start: Start, ledger: Ledger
) -> None:
    """What was copied and only marked as deleted counts as moved."""
    server = make_dovecot(NO_UIDPLUS)
    server.deliver(mail(1))
    first = start(**at(server))
    ledger.wait_until(lambda: len(server.files("Processed")) == 1)
    ledger.wait_until(lambda: server.files()[0].name.endswith(":2,T"))
    first.end()
    server.deliver(mail(2))
    start(**at(server))
    ledger.wait_until(lambda: len(server.files("Processed")) == 2)
    ledger.wait_until(lambda: all(f.name.endswith("T") for f in server.files()))
    assert len(server.files("Processed")) == 2


def test_i08_after_a_change_of_uidvalidity_nothing_is_lost(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """All of the mailbox is offered again; content tells what is new."""
    for number in range(50):
        dovecot.deliver(mail(number))
    first = start(**at(dovecot, after="keep"))
    ledger.wait_until(lambda: any(s.last_uid == 50 for s in ledger.states.values()))
    before = ledger.states["support"].uidvalidity
    first.end()
    dovecot.stop()
    dovecot.forget_uids()
    for number in range(50, 53):
        dovecot.deliver(mail(number))
    dovecot.start()
    start(**at(dovecot, after="keep"))
    ledger.wait_for_rows(53)
    ledger.wait_until(lambda: ledger.states["support"].last_uid == 53)
    assert ledger.states["support"].uidvalidity != before


def test_i09_uids_used_again_in_a_new_mailbox_are_new_mails(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """A mailbox that was made anew begins at UID 1, with other mail under it."""
    dovecot.deliver(mail(1))
    first = start(**at(dovecot, after="keep"))
    ledger.wait_until(lambda: any(s.last_uid == 1 for s in ledger.states.values()))
    first.end()
    dovecot.stop()
    dovecot.forget_uids()
    for file in dovecot.files():
        file.unlink()
    dovecot.deliver(mail(2))
    dovecot.start()
    start(**at(dovecot, after="keep"))
    ledger.wait_for_rows(2)
    assert {key.rpartition(";")[2] for key in ledger.keys} == {"1"}


def test_another_folder_with_the_same_uidvalidity_is_read_from_its_start(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """How far one folder was read says nothing about the folder set in its place."""
    for number in range(3):
        dovecot.deliver(mail(number))
    first = start(**at(dovecot, after="keep"))
    ledger.wait_until(lambda: any(s.last_uid == 3 for s in ledger.states.values()))
    first.end()
    dovecot.deliver(mail(3), folder="Kunden")
    client = other_client(dovecot)
    client.select("Kunden")
    _, answer = client.response("UIDVALIDITY")
    client.shutdown()
    assert isinstance(answer[0], bytes)
    state = ledger.states["support"]
    ledger.states["support"] = type(state)(uidvalidity=int(answer[0]), last_uid=3)
    start(**at(dovecot, after="keep", folder="Kunden"))
    ledger.wait_for_rows(4)


def test_i22_folder_names_of_any_letters_are_found_and_made(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """Modified UTF-7 is between us and the server only."""
    dovecot.deliver(mail(1), folder="Gr&APYA3w-e&--x")
    start(**at(dovecot, folder="Größe&-x", after='move:Já "lidas" \\ 100%'))
    ledger.wait_for_rows(1)
    ledger.wait_until(lambda: not dovecot.files("Gr&APYA3w-e&--x"))
    moved = [d for d in dovecot.maildir().iterdir() if "lidas" in d.name]
    assert moved


def test_i19_two_instances_take_each_mail_once(
    dovecot: Dovecot, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """The lease lets one read at a time; the other goes on where it stops."""
    for number in range(1000):
        dovecot.deliver(mail(number))
    one = start(**at(dovecot), book=MemoryBook(ledger, owner="one"))
    start(**at(dovecot), book=MemoryBook(ledger, owner="two"))
    ledger.wait_for_rows(300)
    one.end()
    for number in range(1000, 1100):
        dovecot.deliver(mail(number))
    ledger.wait_for_rows(1100, 30)
    ledger.wait_until(lambda: not dovecot.files())
    assert set(ledger.contents.values()) == {1}
    assert len(dovecot.files("Processed")) == 1100


def test_f22_whoever_lost_the_lease_leaves_the_mailbox(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """A renewal that fails ends the session within one renewal's time."""
    start(**at(dovecot), book=MemoryBook(ledger, owner="one"))
    ledger.wait_until(lambda: bool(ledger.reports))
    with ledger.changed:
        ledger.leases["support"] = ("two", time.monotonic() + 60)
    end = time.monotonic() + 10
    while not re.search(r"imap\(support\).*Disconnected", dovecot.log_text()):
        assert time.monotonic() < end
        time.sleep(0.02)
    dovecot.deliver(mail(1))
    with pytest.raises(AssertionError):
        ledger.wait_for_rows(1, 1)


def test_what_a_crash_left_between_commit_and_move_is_only_moved(
    dovecot: Dovecot, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """The ledger tells which messages are in; those are not even fetched again."""
    for number in range(3):
        dovecot.deliver(mail(number))
    first = start(**at(dovecot, after="keep"))
    ledger.wait_for_rows(3)
    first.end()
    assert len(dovecot.files()) == 3
    dovecot.deliver(mail(3))
    start(**at(dovecot))
    ledger.wait_until(lambda: len(dovecot.files("Processed")) == 4)
    assert len(door.offered) == 4


def test_a_restart_of_the_server_costs_nothing(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """Mail before, during and after a restart is all taken in."""
    start(**at(dovecot))
    dovecot.deliver(mail(1))
    ledger.wait_for_rows(1)
    dovecot.stop()
    dovecot.deliver(mail(2))
    ledger.wait_until(lambda: bool(ledger.reports) and not ledger.reports[-1][1])
    dovecot.start()
    ledger.wait_for_rows(2)
    dovecot.deliver(mail(3))
    ledger.wait_for_rows(3)


def test_f12_a_server_that_stands_still_is_given_up(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """A process that is stopped answers no sign of life; a new one is asked."""
    pace = replace(BRISK, awake=0.3, silence=0.5)
    start(**at(dovecot), pace=pace)
    ledger.wait_until(lambda: bool(ledger.reports))
    (stuck,) = _imap_processes(dovecot)
    os.kill(stuck, signal.SIGSTOP)
    try:
        dovecot.deliver(mail(1))
        ledger.wait_for_rows(1)
    finally:
        os.kill(stuck, signal.SIGCONT)


def _imap_processes(server: Dovecot) -> list[int]:
    """Return the processes of sessions: children of this very server."""
    assert server.process
    master = server.process.pid
    listed = Path(f"/proc/{master}/task/{master}/children").read_text()
    return [int(w) for w in listed.split() if _command(w).endswith("/imap")]


def _command(pid: str) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0].decode()


def test_f15_a_move_that_fails_is_tried_again_without_a_second_ticket(
    dovecot: Dovecot, start: Start, ledger: Ledger, door: MemoryDoor
) -> None:
    """Where mail cannot be moved it stays, with an alarm, and goes later."""
    dovecot.deliver(mail(0), folder="Full")
    parts = [dovecot.maildir("Full") / part for part in ("tmp", "new", "cur")]
    for part in (*parts, dovecot.maildir("Full")):
        part.chmod(0o500)
    dovecot.deliver(mail(1))
    start(**at(dovecot, after="move:Full", poll_seconds=0.2))
    ledger.wait_until(lambda: any("moving to" in e for *_, e in ledger.reports))
    for part in (dovecot.maildir("Full"), *parts):
        part.chmod(0o700)
    dovecot.deliver(mail(2))
    ledger.wait_for_rows(2)
    assert len(door.offered) == 2


def test_f15_a_folder_that_is_missing_is_an_alarm_until_it_is_there(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """A mailbox that somebody renamed is reported and looked for again."""
    start(**at(dovecot, folder="Suporte"))
    ledger.wait_until(lambda: any("Suporte" in e for *_, e in ledger.reports))
    dovecot.deliver(mail(1), folder="Suporte")
    ledger.wait_for_rows(1)
    ledger.wait_until(lambda: ledger.reports[-1] == ("support", True, ""))
    assert len(ledger.reports) == 2


def test_f16_a_wrong_password_is_one_alarm_and_a_new_one_is_found(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """Every login reads the password again; the report comes once."""
    passwords = ["wrong", "wrong", "wrong"]
    start(
        **at(dovecot)
        | {"password": lambda: passwords.pop() if passwords else dovecot.password}
    )
    dovecot.deliver(mail(1))
    ledger.wait_for_rows(1, 30)
    refused = [error for _, connected, error in ledger.reports if not connected]
    assert len(refused) == 1
    assert "login refused" in refused[0]


def test_one_broken_mailbox_does_not_disturb_another(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """Each mailbox has its own thread, connection and waiting."""
    start(**at(dovecot) | {"name": "broken", "password": lambda: "wrong"})
    dovecot.deliver(mail(1))
    start(**at(dovecot))
    ledger.wait_for_rows(1)


@pytest.mark.parametrize("tls", ["implicit", "starttls"])
def test_mail_comes_over_tls_with_a_certificate_we_trust(
    dovecot: Dovecot, start: Start, ledger: Ledger, tls: str
) -> None:
    """Both ways into TLS check the certificate against `ca_file`."""
    port = dovecot.tls_port if tls == "implicit" else dovecot.port
    dovecot.deliver(mail(1, 300_000))
    start(**at(dovecot, tls=tls, port=port, host="localhost", ca_file=dovecot.ca_file))
    ledger.wait_for_rows(1)
    (raw,) = ledger.rows.values()
    assert (
        hashlib.sha256(raw.content).digest()
        == hashlib.sha256(mail(1, 300_000)).digest()
    )
    dovecot.deliver(mail(2))
    ledger.wait_for_rows(2)


def test_a_certificate_that_nobody_vouches_for_ends_it_before_the_login(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """Without its authority the server gets no password; the report says what to do."""
    start(**at(dovecot, tls="implicit", port=dovecot.tls_port, host="localhost"))
    ledger.wait_until(lambda: bool(ledger.reports))
    assert "ca_file" in ledger.reports[0][2]
    assert "Login:" not in dovecot.log_text()


class Forgetful(MemoryDoor):
    """Accepts, and keeps nothing of what it got."""

    def accept(self, raw: RawMessage) -> "Future[Accepted]":
        return super().accept(replace(raw, content=b""))


def test_a_message_of_25_megabytes_costs_less_than_three_times_its_size(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """It is read into one piece of memory, which goes back to the system."""
    size = 25_000_000
    for number in range(3):
        dovecot.deliver(mail(number, size))
    before = peak = resident()
    start(**at(dovecot), message_bytes=30_000_000, through=Forgetful(ledger=ledger))
    end = time.monotonic() + 30
    while dovecot.files() and time.monotonic() < end:
        peak = max(peak, resident())
    assert len(ledger.rows) == 3
    assert peak - before < 3 * size
    ledger.wait_until(lambda: resident() - before < size)


def resident() -> int:
    """Return the bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def test_the_lease_goes_back_and_the_state_says_gone_at_the_end(
    dovecot: Dovecot, start: Start, ledger: Ledger
) -> None:
    """After a stop another instance starts at once."""
    watching = start(**at(dovecot))
    ledger.wait_until(lambda: bool(ledger.reports))
    before = time.monotonic()
    watching.end()
    assert time.monotonic() - before < 1.5
    assert ledger.leases == {}
    assert ledger.reports[-1] == ("support", False, "")
    assert watching.beats
