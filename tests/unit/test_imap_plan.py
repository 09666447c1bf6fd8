"""The bookkeeping of a folder: nothing that was listed is ever forgotten."""

import math
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chamado.daemon.sources.imap_plan import (
    Facts,
    Progress,
    arrival,
    batches,
    windows,
)

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)


def fact(uid: int, size: int = 10) -> Facts:
    """Return the facts of a message."""
    return Facts(uid=uid, size=size, received_at=NOW)


def uids(groups: object) -> list[list[int]]:
    """Return the UIDs of batches."""
    return [[fact.uid for fact in batch] for batch in groups]  # type: ignore[attr-defined]  # batches


@given(st.integers(0, 400_000))
def test_windows_cover_a_folder_once_and_from_its_end(exists: int) -> None:
    """Every message number is in exactly one window, the last ones first."""
    ends = [tuple(map(int, window.split(":"))) for window in windows(exists)]
    numbers = sum(last - first + 1 for first, last in ends)
    assert numbers == exists
    assert ends == sorted(ends, reverse=True)
    assert all(last - first < 50_000 for first, last in ends)
    assert not ends or (ends[0][1], ends[-1][0]) == (exists, 1)


def test_small_messages_go_together_and_large_ones_alone() -> None:
    """Fifty a batch, and no more bytes than the cap."""
    small = [fact(uid) for uid in range(1, 121)]
    assert [len(b) for b in batches(small)] == [50, 50, 20]
    mixed = [fact(1), fact(2, 4_000_000), fact(3, 5_000_000), fact(4), fact(5)]
    assert uids(batches(mixed)) == [[1, 2], [3], [4, 5]]


def test_suspects_are_fetched_one_by_one() -> None:
    """What was in a batch that broke does not break another batch."""
    facts = [fact(uid) for uid in range(1, 7)]
    assert uids(batches(facts, alone={2, 3})) == [[1], [2], [3], [4, 5, 6]]


@given(
    st.lists(st.integers(0, 9_000_000), max_size=200),
    st.sets(st.integers(0, 200)),
)
def test_batching_loses_nothing_and_keeps_the_order(
    sizes: list[int], alone: set[int]
) -> None:
    """Whatever the sizes are."""
    facts = [fact(uid, size) for uid, size in enumerate(sizes)]
    made = list(batches(facts, alone=alone))
    assert [f for batch in made for f in batch] == facts
    assert all(len(b) == 1 for b in made if {f.uid for f in b} & alone)
    assert all(sum(f.size for f in b) <= 4_194_304 for b in made if len(b) > 1)


def test_the_last_message_of_all_is_not_listed_twice() -> None:
    """A server answers `UID n:*` with its last message even below n."""
    progress = Progress(7)
    progress.restart(20)
    progress.listed([20])
    assert progress.due(0) == []
    progress.listed([23, 21])
    assert progress.due(0) == [21, 23]
    assert progress.next_uid == 24


def test_progress_stops_before_what_is_not_finished() -> None:
    """A restart must find the message that failed, and only a UID that is in."""
    progress = Progress(7)
    progress.listed([1, 2, 5, 9])
    progress.accepted([1, 5, 9])
    assert progress.advance() == 1
    progress.failed(2, "refused", now=0)
    assert progress.advance() == 1
    progress.accepted([2])
    assert progress.advance() == 9


def test_a_message_that_vanished_does_not_hold_back_progress() -> None:
    """It is nobody's mail any more; but progress is always a UID that is in."""
    progress = Progress(7)
    progress.listed([1, 2, 3])
    progress.accepted([2])
    progress.gone(1)
    assert progress.advance() == 2
    progress.gone(3)
    assert progress.advance() == 2


def test_failures_are_tried_again_at_once_then_ever_more_seldom() -> None:
    """The first may be a bad moment; after that nobody is hammered."""
    progress = Progress(7)
    progress.listed([1, 2])
    waits = []
    for _ in range(8):
        progress.failed(1, "no", now=0)
        waits.append(progress.next_due())
    assert waits == [0, 30, 120, 480, 1920, 3600, 3600, 3600]
    assert progress.due(0) == [2]
    assert progress.due(3600) == [2, 1]


def test_what_never_failed_comes_first() -> None:
    """One bad message does not stand before the good ones."""
    progress = Progress(7)
    progress.listed([1, 2, 3])
    progress.failed(1, "no", now=0)
    assert progress.due(0) == [2, 3, 1]


def test_the_alarm_names_what_failed_twice() -> None:
    """Once is no alarm; what cannot fit is one at once, and looked at hourly."""
    progress = Progress(7)
    progress.listed([1, 2])
    assert progress.alarm() == ""
    progress.failed(2, "no", now=0)
    assert progress.alarm() == ""
    progress.failed(2, "no, again", now=0)
    assert progress.alarm() == "1 left in the mailbox, UID 2: no, again"
    progress.unfit(1, "too large", now=0)
    assert progress.alarm() == "2 left in the mailbox, UID 1: too large"
    progress.accepted([2])
    progress.gone(1)
    assert progress.alarm() == ""
    assert progress.next_due() == math.inf


def test_a_batch_that_broke_is_no_failure_of_its_messages_yet() -> None:
    """They are asked for apart, at once; only one that was alone has failed."""
    progress = Progress(7)
    progress.listed([1, 2, 3])
    progress.suspect([1, 2], "cut", now=5)
    assert progress.due(5) == [3, 1, 2]
    assert progress.groups([3, 1, 2]) == [[3], [1], [2]]
    assert not progress.failing([1])
    progress.suspect([1], "cut", now=5)
    assert progress.failing([1])
    assert not progress.failing([1, 2])


def test_a_restart_lists_again_and_remembers_what_failed() -> None:
    """A new connection must not make a hammered server out of a bad message."""
    progress = Progress(7)
    progress.listed([1, 2])
    for _ in range(3):
        progress.failed(2, "no", now=0)
    progress.restart(0)
    progress.listed([1, 2])
    assert progress.due(0) == [1]
    assert progress.due(120) == [1, 2]


def test_a_folder_that_empties_is_listed_whole() -> None:
    """What a crash left between commit and move is below what was read."""
    progress = Progress(7)
    progress.restart(50, whole=True)
    assert (progress.next_uid, progress.last_uid) == (1, 50)
    progress.listed([17])
    progress.accepted([17])
    assert progress.advance() == 50


def test_commands_stay_short() -> None:
    """No command asks for more messages than every server takes in one line."""
    progress = Progress(7)
    largest = range(4_294_967_295 - 600, 4_294_967_295)
    groups = progress.groups(list(largest))
    assert [uid for group in groups for uid in group] == list(largest)
    assert all(len(",".join(map(str, group))) < 4000 for group in groups)


@given(st.data())
def test_whatever_happens_progress_never_passes_an_unfinished_message(
    data: st.DataObject,
) -> None:
    """Any order of successes and failures: what is not in is found by a restart."""
    progress = Progress(7)
    listed = data.draw(st.lists(st.integers(1, 60), unique=True, min_size=1))
    progress.listed(listed)
    unfinished = set(listed)
    steps = st.tuples(st.sampled_from(sorted(listed)), st.integers(0, 3))
    for uid, what in data.draw(st.lists(steps, max_size=40)):
        if uid not in unfinished:
            continue
        if what == 0:
            progress.accepted([uid])
            unfinished.discard(uid)
        elif what == 1:
            progress.failed(uid, "no", now=0)
        elif what == 2:
            progress.suspect([uid, *sorted(unfinished)[:2]], "cut", now=0)
        else:
            progress.unfit(uid, "large", now=0)
        assert progress.advance() < min(unfinished, default=math.inf)
        assert set(progress.due(math.inf)) == unfinished


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        (NOW - timedelta(days=3), NOW - timedelta(days=3)),
        (NOW.astimezone(timezone(timedelta(hours=-3))), NOW),
        (NOW + timedelta(days=300), NOW),
        (None, NOW),
        (datetime(2026, 1, 1), NOW),  # noqa: DTZ001  # what a naive date comes to
        (datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))), NOW),
    ],
)
def test_arrival_is_the_servers_date_in_utc_unless_it_cannot_be(
    date: datetime | None, expected: datetime
) -> None:
    """No date, a date without a zone and one to come count as now."""
    assert arrival(date, NOW) == expected
