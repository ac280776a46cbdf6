"""Verifies the chain of seals of a pair, and the rows under it; names what does not agree.

What this can find depends on what an attacker could not write: see `Evidence`, and docs/proof.md.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from s3mover.audit.digests import pair_digest
from s3mover.audit.seal_reader import SealReader, StoredSeal
from s3mover.audit.seals import Seal, SealKind
from s3mover.audit.sweep_check import SweepCheck, check_sweep
from s3mover.model import Pair

# A clock that is set right goes back by less, as a rule.
CLOCK_TOLERANCE_SECONDS = 60.0
# A sweep may be amended while it is checked: then it is checked again.
ATTEMPTS = 3

# Returns whether a signature (hex) of these bytes was made with the private key of a public key (hex).
VerifySignature = Callable[[str, str, bytes], bool]


class Problem(StrEnum):
    """What was found."""

    ROW = "row"
    SWEEP = "sweep"
    SEAL = "seal"
    CLOCK = "clock"
    SIGNATURE = "signature"
    HEAD = "head"
    ANCHOR = "anchor"


class Finding(NamedTuple):
    """One thing that does not agree; `seal` and `sweep` are 0 where none is meant."""

    problem: Problem
    message: str
    seal: int = 0
    sweep: int = 0


class CheckedSweep(NamedTuple):
    """A sweep that was compared with its seal."""

    seal: Seal
    check: SweepCheck


class Trust(NamedTuple):
    """What is known from outside the database: public keys (hex), and the hash of a seal; none or "" if nothing.

    `verify_signature` is None where signatures cannot be checked.
    """

    keys: Sequence[str] = ()
    head: str = ""
    verify_signature: VerifySignature | None = None


class ChainEvidence(NamedTuple):
    """How far a chain was proven: the newest seal, and how many seals are signed, by which keys (hex)."""

    newest: Seal | None = None
    seals: int = 0
    signed: int = 0
    keys: tuple[str, ...] = ()


class ChainCheck:
    """Verifies the chain of one pair; `evidence` is complete once all was iterated."""

    def __init__(self, reader: SealReader, pair: Pair, trust: Trust) -> None:
        self.evidence = ChainEvidence()
        self._reader = reader
        self._pair = pair
        self._name = pair_digest(pair)
        self._trust = trust
        self._head_seen = False
        self._sealed = 0
        self._head = reader.head(self._name)
        self._pruned_before = reader.pruned_before()

    def whole(self, after: int = 0) -> Iterator[Finding | CheckedSweep]:
        """Verify every seal above that number, what it follows, and the sweeps without a seal."""
        previous = self._before(after)
        for stored in self._reader.seals(self._name, after):
            yield from self._link_findings(previous, stored)
            if stored.seal is not None:
                yield from self._seal_findings(stored.seal)
                self._note(stored.seal)
                if stored.seal.kind is SealKind.SWEEP:
                    yield from self._sweep(stored.number, stored.seal)
            previous = stored
        if self._trust.head and not self._head_seen:
            yield Finding(
                Problem.HEAD,
                f"no seal has the hash {self._trust.head}: seals were removed, or written anew",
            )
        if self._trust.keys and self.evidence.seals and not self.evidence.signed:
            yield Finding(Problem.SIGNATURE, "no seal is signed, and a public key is given")
        for sweep in self._reader.unsealed_sweeps(self._pair):
            yield Finding(Problem.SWEEP, "it has ended, and no seal is about it", sweep=sweep)

    def one_sweep(self, sweep: int) -> Iterator[Finding | CheckedSweep]:
        """Verify the seal of one sweep and its amendments, without what they follow."""
        found = self._reader.of_sweep(self._name, sweep)
        if not any(stored.seal is not None and stored.seal.kind is SealKind.SWEEP for stored in found):
            yield Finding(Problem.SWEEP, "it has no seal that can be read", sweep=sweep)
        for stored in found:
            yield from self._own_findings(stored)
            if stored.seal is not None:
                yield from self._seal_findings(stored.seal)
                self._note(stored.seal)
                if stored.seal.kind is SealKind.SWEEP:
                    yield from self._sweep(stored.number, stored.seal)

    def _before(self, after: int) -> StoredSeal | None:
        if not after:
            return None
        return next(iter(self._reader.seals(self._name, after - 1)), None)

    def _note(self, seal: Seal) -> None:
        self._head_seen = self._head_seen or seal.hash == self._trust.head
        old, key = self.evidence, str(seal.said["key"])
        keys = old.keys if not key or key in old.keys else (*old.keys, key)
        self.evidence = ChainEvidence(seal, old.seals + 1, old.signed + bool(seal.signature), keys)

    def _link_findings(self, previous: StoredSeal | None, stored: StoredSeal) -> Iterator[Finding]:
        before = previous.number if previous is not None else 0
        if stored.number != before + 1:
            gap = f"seals {before + 1} to {stored.number - 1} were removed"
            if stored.number == before + 2:
                gap = f"seal {before + 1} was removed"
            yield Finding(Problem.SEAL, gap, before + 1)
        yield from self._own_findings(stored)
        seal, last = stored.seal, previous.seal if previous is not None else None
        if seal is None or last is None or stored.number != before + 1:
            return
        if seal.previous != last.hash:
            yield Finding(
                Problem.SEAL,
                f"it does not follow seal {last.number}: one of the two was changed",
                seal.number,
                seal.sweep,
            )
        if (back := _seconds(last.sealed_at) - _seconds(seal.sealed_at)) > CLOCK_TOLERANCE_SECONDS:
            yield Finding(
                Problem.CLOCK,
                f"it says {seal.sealed_at}, {back:.0f} s before seal {last.number}: a clock went back, or it was "
                "written later than it says",
                seal.number,
                seal.sweep,
            )

    def _own_findings(self, stored: StoredSeal) -> Iterator[Finding]:
        seal = stored.seal
        if seal is None:
            yield Finding(Problem.SEAL, f"its content was changed: {stored.problem}", stored.number)
            return
        if stored.differing:
            columns = ", ".join(stored.differing)
            yield Finding(
                Problem.SEAL,
                f"its columns do not say what its content says: {columns}",
                stored.number,
                seal.sweep,
            )
        if seal.pair != self._pair:
            yield Finding(Problem.SEAL, f"it is a seal of {seal.pair}", stored.number, seal.sweep)

    def _seal_findings(self, seal: Seal) -> Iterator[Finding]:
        key, trust = str(seal.said["key"]), self._trust
        if not seal.signature:
            if key or self.evidence.signed:
                yield Finding(
                    Problem.SIGNATURE, "it is not signed, and seals before it are", seal.number, seal.sweep
                )
        elif trust.keys and key not in trust.keys:
            yield Finding(Problem.SIGNATURE, f"it is signed with another key, {key}", seal.number, seal.sweep)
        elif trust.verify_signature is not None and not trust.verify_signature(
            key, seal.signature, seal.content.encode()
        ):
            yield Finding(Problem.SIGNATURE, "its signature is not valid", seal.number, seal.sweep)

    def _sweep(self, number: int, seal: Seal) -> Iterator[Finding | CheckedSweep]:
        if seal.sweep <= self._sealed and self._is_sealed_before(number, seal.sweep):
            yield Finding(Problem.SEAL, "an earlier seal is about the same sweep", seal.number, seal.sweep)
            return
        self._sealed = max(self._sealed, seal.sweep)
        check = self._checked(seal)
        yield CheckedSweep(seal, check)
        for problem in check.problems:
            yield Finding(Problem.SWEEP, problem, seal.number, seal.sweep)
        for row in check.findings:
            name = f"row {row.number}" + (f" ({row.key})" if row.key else "")
            yield Finding(Problem.ROW, f"{name} was {row.problem}", seal.number, seal.sweep)
        if check.differing > len(check.findings):
            more = check.differing - len(check.findings)
            yield Finding(
                Problem.ROW, f"{more} more rows were changed, removed or added", seal.number, seal.sweep
            )

    def _is_sealed_before(self, number: int, sweep: int) -> bool:
        return any(
            stored.number < number and stored.seal is not None and stored.seal.kind is SealKind.SWEEP
            for stored in self._reader.of_sweep(self._name, sweep)
        )

    def _checked(self, seal: Seal) -> SweepCheck:
        """Check a sweep; once more if seals were written meanwhile, which may have amended it."""
        for _ in range(ATTEMPTS):
            check = check_sweep(self._reader, seal, self._name, self._pruned_before)
            if check.is_intact or not self._has_grown():
                break
        return check

    def _has_grown(self) -> bool:
        """Return whether seals were written since it was last asked, and take note of what they say."""
        known, self._head = self._head, self._reader.head(self._name)
        self._pruned_before = self._reader.pruned_before()
        return self._head != known


def database_findings(reader: SealReader) -> Iterator[Finding]:
    """Yield what belongs to no pair: rows of sweeps that the trail does not have, and rows without a sweep."""
    for sweep in reader.sweeps_with_rows():
        if not reader.knows(sweep) and reader.seal_of_sweep(sweep) is None:
            yield Finding(Problem.SWEEP, "it has rows, but neither a record nor a seal", sweep=sweep)
    if count := reader.rows_without_sweep():
        yield Finding(Problem.ROW, f"{count} rows without a sweep were added after the first seal")


def _seconds(moment: str) -> float:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return 0.0
