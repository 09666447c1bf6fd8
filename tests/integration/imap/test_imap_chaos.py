"""The IMAP source over a bad network: cuts, silence and half-closed connections."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.integration.imap.conftest import BRISK, Start
from tests.support.chaos_proxy import ChaosProxy, Fault
from tests.support.doors import Ledger, MemoryDoor
from tests.support.dovecot import Dovecot

pytestmark = pytest.mark.dovecot

HURRIED = replace(BRISK, silence=0.6, awake=0.3)
BODY = b"Subject: big\r\n\r\n" + b"0123456789abcdef\r\n" * 3000


@pytest.fixture
def proxy(dovecot: Dovecot) -> Iterator[ChaosProxy]:
    """Stand between the source and Dovecot."""
    with ChaosProxy(dovecot.port) as between:
        yield between


def settings(server: Dovecot, proxy: ChaosProxy) -> dict[str, object]:
    """Return the settings of a mailbox behind the proxy."""
    return {
        "port": proxy.port,
        "password": lambda: server.password,
        "user": server.user,
        "poll_seconds": 0.5,
    }


@pytest.mark.parametrize("how", ["reset", "close"])
@pytest.mark.parametrize("cut", [0, 1, len(BODY) // 2, len(BODY) - 1, len(BODY)])
def test_i11_a_cut_within_the_literal_leaves_no_half_message(
    dovecot: Dovecot,
    proxy: ChaosProxy,
    start: Start,
    ledger: Ledger,
    cut: int,
    how: str,
) -> None:
    """Wherever the line breaks, the message comes whole and once afterwards."""
    marker = b"BODY[] {%d}\r\n" % len(BODY)
    proxy.break_at(Fault(seen=marker, then=cut, how=how))
    dovecot.deliver(BODY)
    start(**settings(dovecot, proxy))
    ledger.wait_until(lambda: len(dovecot.files("Processed")) == 1)
    assert proxy.struck == 1
    assert [raw.content for raw in ledger.rows.values()] == [BODY]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(seen=b"UID MOVE ", asked=True, then=-9),
        Fault(seen=b"UID MOVE ", asked=True),
        Fault(seen=b"UID MOVE 1 ", asked=True, then=len(b'"Processed"\r\n')),
        Fault(seen=b"[COPYUID", then=-20),
    ],
    ids=["before it", "within it", "behind it", "before its answer"],
)
def test_i12_a_cut_around_the_move_means_one_message_and_a_move_again(
    dovecot: Dovecot,
    proxy: ChaosProxy,
    start: Start,
    ledger: Ledger,
    door: MemoryDoor,
    fault: Fault,
) -> None:
    """Committed and not moved, or moved and not told: taken in once, moved once."""
    proxy.break_at(fault)
    # The folder is there, so that the first move is the one that is cut.
    dovecot.deliver(b"old", folder="Processed")
    dovecot.deliver(BODY)
    start(**settings(dovecot, proxy))
    proxy.wait_until_struck()
    ledger.wait_until(lambda: not dovecot.files())
    assert dovecot.contents("Processed") == {b"old", BODY}
    assert len(dovecot.files("Processed")) == 2
    assert len(door.offered) == 1


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        (True, b"CAPABILITY"),
        (True, b"AUTHENTICATE"),
        (True, b"SELECT"),
        (True, b"SEARCH"),
        (True, b"RFC822.SIZE"),
        (True, b"BODY.PEEK[]"),
        (True, b"IDLE\r\n"),
        (False, b"* OK"),
        (False, b"Logged in"),
        (False, b"UIDVALIDITY"),
        (False, b"* SEARCH"),
        (False, b"INTERNALDATE"),
        (False, b"+ idling"),
    ],
)
def test_f11_a_cut_at_any_step_is_recovered_from(
    dovecot: Dovecot,
    proxy: ChaosProxy,
    start: Start,
    ledger: Ledger,
    asked: bool,
    seen: bytes,
) -> None:
    """Nothing depends on a conversation that ends well."""
    proxy.break_at(Fault(seen=seen, asked=asked))
    dovecot.deliver(BODY)
    start(**settings(dovecot, proxy))
    ledger.wait_for_rows(1)
    proxy.wait_until_struck()
    dovecot.deliver(BODY + b"again\r\n")
    ledger.wait_for_rows(2)
    assert set(ledger.contents.values()) == {1}


@pytest.mark.parametrize("how", ["silence", "half", "close"])
def test_i15_a_connection_that_died_in_idle_is_noticed(
    dovecot: Dovecot, proxy: ChaosProxy, start: Start, ledger: Ledger, how: str
) -> None:
    """No FIN, no RST, nothing: the sign of life that does not come tells."""
    proxy.break_at(Fault(seen=b"+ idling\r\n", how=how))
    start(**settings(dovecot, proxy) | {"poll_seconds": 60}, pace=HURRIED)
    proxy.wait_until_struck()
    dovecot.deliver(BODY)
    ledger.wait_for_rows(1)


@pytest.mark.parametrize("seen", [b"* OK", b"INTERNALDATE", b"BODY[] {", b"+ idling"])
def test_a_stop_ends_a_silent_connection_at_once(
    dovecot: Dovecot, proxy: ChaosProxy, start: Start, seen: bytes
) -> None:
    """A server that says nothing cannot keep the service from stopping."""
    proxy.break_at(Fault(seen=seen, how="silence"))
    dovecot.deliver(BODY)
    watching = start(**settings(dovecot, proxy), pace=replace(BRISK, silence=60))
    proxy.wait_until_struck()
    before = time.monotonic()
    watching.end()
    assert time.monotonic() - before < 2


def test_silence_does_not_keep_the_watchdog_from_its_beats(
    dovecot: Dovecot, proxy: ChaosProxy, start: Start, ledger: Ledger
) -> None:
    """A mailbox that waits for a dead server is no reason to restart the service."""
    proxy.break_at(Fault(seen=b"BODY[] {", how="silence"))
    dovecot.deliver(BODY)
    pace = replace(BRISK, silence=60, beat=0.05)
    watching = start(**settings(dovecot, proxy), pace=pace)
    proxy.wait_until_struck()
    now = watching.beats
    ledger.wait_until(lambda: watching.beats > now + 3)


def test_a_cut_batch_is_fetched_message_by_message(
    dovecot: Dovecot, proxy: ChaosProxy, start: Start, ledger: Ledger
) -> None:
    """After a batch that broke nobody waits for the one that broke it."""
    for number in range(20):
        dovecot.deliver(BODY + b"%d\r\n" % number)
    proxy.break_at(Fault(seen=b"BODY[] {", then=20_000))
    start(**settings(dovecot, proxy))
    ledger.wait_for_rows(20)
    assert set(ledger.contents.values()) == {1}
