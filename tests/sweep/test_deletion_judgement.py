"""Candidates between two sweeps: recorded when seen, counted once the sweep has completed, ended when not seen."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from s3mover.audit.opening import open_trail
from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import Trail
from s3mover.model import ObjectEntry, SweepRecord, SweepStatus, Tally
from s3mover.planning.deletion_guards import DeletionPolicy, ListDigest
from s3mover.planning.page_diff import PageDiff
from s3mover.sweep.deletions import judgement, sightings
from s3mover.sweep.deletions.judgement import Judgement, judge
from s3mover.sweep.deletions.sightings import Sightings
from tests.audit.samples import AT, PAIR

POLICY = DeletionPolicy(
    propagate=True, recorded_only=False, confirm=2, min_age=0.0, max_objects=1000, max_share=0.1
)
KEYS = [f"{number}" for number in range(10)]


@pytest.fixture
def trail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trail]:
    """A trail whose candidates are written and read three at a time."""
    monkeypatch.setattr(judgement, "ROWS_PER_STEP", 3)
    monkeypatch.setattr(sightings, "ROWS_PER_WRITE", 3)
    with closing(open_trail(f"sqlite:///{tmp_path}/trail.db")) as opened:
        assert opened.acquire_lease(PAIR)
        yield opened


class Sweeps:
    """Sweeps of one pair, one after the other, a minute apart."""

    def __init__(self, trail: Trail) -> None:
        self._trail = trail
        self.retrying = RetryingTrail(trail, lambda _: None, lambda _: False, lambda: 0.0)
        self._now = AT

    def see(self, keys: list[str], status: SweepStatus = SweepStatus.COMPLETED) -> SweepRecord:
        """Return the record of a sweep that saw only the destination have these keys, in pages of four."""
        self._now += 60
        sweep = self._trail.open_sweep(PAIR, self._now)
        seen = Sightings(self.retrying, PAIR, sweep, POLICY, lambda: self._now + 1)
        for at in range(0, len(keys), 4):
            entries = [ObjectEntry(f"out/{key}", 1, "e", "2025") for key in keys[at : at + 4]]
            seen.add(PageDiff(0, [], destination_only=entries, destination_listed=len(entries)))
        seen.flush()
        assert (seen.result().listed, seen.result().candidates) == (len(keys), len(keys))
        return SweepRecord(sweep, PAIR, self._now, self._now + 30, status, Tally(), 30_000_000)

    def judge(self, record: SweepRecord) -> Judgement:
        """Judge after a sweep, twice, and close it; the second time changes nothing."""
        first = judge(self.retrying, PAIR, record, POLICY, lambda: None)
        assert judge(self.retrying, PAIR, record, POLICY, lambda: None) == first
        self._trail.close_sweep(record)
        return first

    def left(self) -> dict[str, int]:
        """Return how often each candidate was missed."""
        found = self._trail.candidates(PAIR, [f"in/{key}" for key in KEYS])
        return {key.removeprefix("in/"): one.times_missed for key, one in found.items()}


def test_what_two_sweeps_saw_is_confirmed_and_what_the_last_did_not_see_has_ended(trail: Trail) -> None:
    """The counts and the digest are of those alone that the last sweep saw."""
    sweeps = Sweeps(trail)
    assert sweeps.judge(sweeps.see(KEYS))[:3] == (10, 0, 0)
    judged = sweeps.judge(sweeps.see(KEYS[:6]))
    assert judged[:3] == (0, 6, 0)
    assert sweeps.left() == dict.fromkeys(KEYS[:6], 2)
    listed = ListDigest()
    page, _ = trail.candidates_after(PAIR, -(2**63), 100)
    for candidate in page:
        listed.add(candidate)
    assert judged.digest == str(listed)
    trail.open_sweep(PAIR, AT + 3000)
    assert trail.approve_candidates(PAIR, ["in/0", "in/1"]) == 2
    assert sweeps.judge(sweeps.see(KEYS[:7]))[:3] == (1, 6, 2)


def test_a_sweep_that_did_not_complete_neither_counts_nor_ends_anything(trail: Trail) -> None:
    """What it saw is recorded as seen, and counts from the next completed sweep on."""
    sweeps = Sweeps(trail)
    sweeps.judge(sweeps.see(KEYS[:5]))
    trail.close_sweep(sweeps.see(KEYS[:2] + KEYS[5:], SweepStatus.INTERRUPTED))
    assert sweeps.left() == dict.fromkeys(KEYS[:5], 1) | dict.fromkeys(KEYS[5:], 0)
    assert sweeps.judge(sweeps.see(KEYS[:6]))[:3] == (1, 5, 0)
    assert sweeps.left() == dict.fromkeys(KEYS[:5], 2) | {"5": 1}


def test_an_approval_ends_where_the_candidate_begins_anew(trail: Trail) -> None:
    """A completed sweep that nobody judged interrupts the row: the object may have been back."""
    sweeps = Sweeps(trail)
    for _ in range(2):
        sweeps.judge(sweeps.see(KEYS[:2]))
    trail.open_sweep(PAIR, AT + 3000)
    assert trail.approve_candidates(PAIR, ["in/0", "in/1"]) == 2
    trail.close_sweep(sweeps.see([]))
    assert sweeps.judge(sweeps.see(KEYS[:2]))[:3] == (2, 0, 0)
    assert sweeps.judge(sweeps.see(KEYS[:2]))[:3] == (0, 2, 0)
