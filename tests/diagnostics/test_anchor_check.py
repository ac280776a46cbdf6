"""The seals of the trail beside those of the anchor."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from s3mover.audit.anchor_objects import AnchoredSeal, anchored_seal, body_of, key_of, place_of
from s3mover.audit.opening import open_seal_reader, open_trail
from s3mover.audit.seal_reader import SealReader
from s3mover.audit.sealing import Sealing
from s3mover.audit.seals import Seal
from s3mover.diagnostics.anchor_check import anchor_findings
from s3mover.model import SweepRecord, SweepStatus, Tally
from tests.audit.samples import AT, PAIR

# Each seal is made at 14:17:09.25, and anchored a second later.
WRITTEN = "2025-01-04T14:17:10.000Z"
OTHER_HASH = "ab" * 32


@pytest.fixture
def seals(tmp_path: Path) -> list[Seal]:
    """Three seals of sweeps without rows."""
    url = f"sqlite:///{tmp_path / 'trail.db'}"
    with contextlib.closing(open_trail(url, Sealing(clock=lambda: AT))) as trail:
        assert trail.acquire_lease(PAIR)
        return [
            trail.close_sweep(
                SweepRecord(
                    trail.open_sweep(PAIR, AT + n), PAIR, AT + n, AT + n, SweepStatus.COMPLETED, Tally(), 0
                )
            )
            for n in range(3)
        ]


@pytest.fixture
def reader(seals: list[Seal], tmp_path: Path) -> Iterator[SealReader]:
    assert seals
    with contextlib.closing(open_seal_reader(f"sqlite:///{tmp_path / 'trail.db'}")) as opened:
        yield opened


def anchored(seals: list[Seal], written_at: str = WRITTEN) -> list[AnchoredSeal]:
    return [AnchoredSeal(seal.number, seal.hash, written_at) for seal in seals]


def found(reader: SealReader, given: list[AnchoredSeal]) -> list[tuple[str, int, str]]:
    return [(one.problem.value, one.seal, one.message) for one in anchor_findings(reader, PAIR, given)]


def test_what_the_anchor_does_not_have_yet_is_no_difference(reader: SealReader, seals: list[Seal]) -> None:
    """Nor what is older than it."""
    assert found(reader, anchored(seals)) == []
    assert found(reader, anchored(seals[1:2])) == []


def test_a_seal_that_was_removed_from_the_trail_is_named(reader: SealReader, seals: list[Seal]) -> None:
    """At the end or in between: the anchor has had it since then."""
    [(problem, number, message)] = found(reader, [*anchored(seals), AnchoredSeal(4, OTHER_HASH, WRITTEN)])
    assert (problem, number) == ("anchor", 4)
    assert f"{OTHER_HASH}, since {WRITTEN}), the trail does not" in message


def test_a_seal_that_was_written_anew_is_named(reader: SealReader, seals: list[Seal]) -> None:
    """Two chains that went apart, as after a restored backup, have two objects for one number."""
    given = sorted([*anchored(seals), AnchoredSeal(2, OTHER_HASH, WRITTEN)])
    [(problem, number, message)] = found(reader, given)
    assert (problem, number) == ("anchor", 2)
    assert message == f"the anchor has {OTHER_HASH} (since {WRITTEN}), the trail {seals[1].hash}"


def test_a_seal_that_the_anchor_had_before_it_was_made_shows_a_wrong_clock(
    reader: SealReader, seals: list[Seal]
) -> None:
    """By the store's clock; a minute is every clock's due."""
    assert found(reader, anchored(seals[:1], "2025-01-04T14:16:30.000Z")) == []
    [(problem, number, message)] = found(reader, anchored(seals[:1], "2025-01-04T14:00:00.000Z"))
    assert (problem, number) == ("clock", 1)
    assert "1029 s before the time that it says" in message


def test_the_key_of_an_object_names_its_seal(seals: list[Seal]) -> None:
    """And its content is the text of the seal, as it was hashed and signed, with the signature."""
    key = key_of(place_of("s3://seals/a/b"), seals[0])
    assert key.startswith("a/b/")
    assert anchored_seal(key, WRITTEN) == AnchoredSeal(1, seals[0].hash, WRITTEN)
    assert anchored_seal("a/b/other.txt", WRITTEN) is None
    assert body_of(seals[0]).decode().splitlines() == [seals[0].content, ""]
    assert [place_of(url).prefix for url in ("s3://b", "s3://b/", "s3://b/x", "s3://b/x/")] == [
        "",
        "",
        "x/",
        "x/",
    ]
