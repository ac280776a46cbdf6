"""The `audit verify` command: recomputes the seals, and prints what does not agree with the trail."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

from s3mover.app.anchor import anchored_seals
from s3mover.audit.digests import pair_digest
from s3mover.audit.opening import open_seal_reader
from s3mover.audit.seal_reader import SealReader
from s3mover.audit.seal_verification import (
    ChainCheck,
    CheckedSweep,
    Finding,
    Problem,
    Trust,
    database_findings,
)
from s3mover.commands.audit_report import PairReport, evidence_lines, line_of, trust_of
from s3mover.commands.each_route import Echo
from s3mover.diagnostics.anchor_check import anchor_findings
from s3mover.errors import ExitCode, SettingsError
from s3mover.model import Pair
from s3mover.observe.text import to_json, visible
from s3mover.settings import Settings
from s3mover.settings.model import AuditSettings

# Yields what the anchor of a pair does not agree with.
CheckAnchor = Callable[[SealReader, Pair], Iterator[Finding]]


@dataclass(frozen=True, slots=True)
class VerifyScope:
    """What is verified: all, what was sealed within so many seconds, or one sweep; 0 for no limit.

    `public_keys` are files; `head` is the hash of a seal that must be there; `pair` limits it to one route.
    """

    since: float = 0.0
    sweep: int = 0
    public_keys: Sequence[str] = ()
    head: str = ""
    pair: Pair | None = None


def verify(
    settings: Settings, echo: Echo, scope: VerifyScope, output: str, *, anchor: bool = False
) -> ExitCode:
    """Verify the seals of every pair of the trail; with `anchor` compare them with those that the anchor holds.

    Raises:
        MoverError: the audit database cannot be read, or a key is not usable.
    """
    trust = trust_of(settings, scope.public_keys, scope.head)
    check_anchor = _anchor_check(settings.audit) if anchor else None
    with closing(open_seal_reader(settings.audit.url.value)) as reader:
        pairs = [scope.pair] if scope.pair is not None else list(reader.pairs().values())
        reports = [_verify(reader, pair, scope, trust, check_anchor) for pair in pairs]
        others: list[Finding] = [] if scope.sweep or scope.pair else list(database_findings(reader))
    for line in (_json if output == "json" else _text)(reports, others, trust, anchored=anchor):
        echo(line)
    return ExitCode.SOME_FAILED if others or any(report.count for report in reports) else ExitCode.OK


def _anchor_check(audit: AuditSettings) -> CheckAnchor:
    """Return what compares seals with the anchor.

    Raises:
        SettingsError: no anchor is set.
    """
    if not audit.anchor:
        raise SettingsError(
            ["audit.anchor: is not set; --anchor compares the seals with those that it holds"]
        )
    return lambda reader, pair: anchor_findings(reader, pair, anchored_seals(audit, pair))


def _verify(
    reader: SealReader, pair: Pair, scope: VerifyScope, trust: Trust, check_anchor: CheckAnchor | None
) -> PairReport:
    report, chain = PairReport(pair), ChainCheck(reader, pair, trust)
    for found in _checks(reader, pair, scope, chain):
        report.take(found)
    if check_anchor is not None:
        for finding in check_anchor(reader, pair):
            report.take(finding)
    report.evidence = chain.evidence
    return report


def _checks(
    reader: SealReader, pair: Pair, scope: VerifyScope, chain: ChainCheck
) -> Iterator[Finding | CheckedSweep]:
    if scope.sweep:
        if scope.pair is not None or any(reader.of_sweep(pair_digest(pair), scope.sweep)):
            yield from chain.one_sweep(scope.sweep)
        return
    after = 0
    if scope.since:
        first = reader.first_since(pair_digest(pair), time.time() - scope.since)
        after = first - 1 if first else reader.head(pair_digest(pair))
    yield from chain.whole(after)


def _text(
    reports: Sequence[PairReport], others: Sequence[Finding], trust: Trust, *, anchored: bool
) -> Iterator[str]:
    if not reports:
        yield "the trail has no seals: the first one is written at the end of a sweep"
    for report in reports:
        yield f"{visible(str(report.pair))}"
        yield from (f"  {line_of(finding)}" for finding in report.findings)
        if report.count > len(report.findings):
            yield f"  and {report.count - len(report.findings)} more"
        pruned = f", {report.pruned} pruned" if report.pruned else ""
        result = f"{report.count} findings" if report.count else "intact"
        yield f"  {report.evidence.seals} seals, {report.sweeps} sweeps{pruned}, {report.rows} rows: {result}"
        if report.first is not None:
            yield f"  first: {line_of(report.first)}"
        if (newest := report.evidence.newest) is not None:
            yield f"  newest seal: {newest.number} of {newest.sealed_at} UTC, {newest.hash}"
        yield from (
            f"  evidence: {line}" for line in evidence_lines(report.evidence, trust, anchored=anchored)
        )
    yield from (line_of(finding) for finding in others)


def _json(
    reports: Sequence[PairReport], others: Sequence[Finding], trust: Trust, *, anchored: bool
) -> Iterator[str]:
    yield to_json(
        {
            "intact": not others and not any(report.count for report in reports),
            "pairs": [
                {
                    "pair": report.pair._asdict(),
                    "seals": report.evidence.seals,
                    "signed": report.evidence.signed,
                    "keys": list(report.evidence.keys),
                    "sweeps": report.sweeps,
                    "pruned_sweeps": report.pruned,
                    "rows": report.rows,
                    "newest_seal": None
                    if report.evidence.newest is None
                    else {"number": report.evidence.newest.number, "hash": report.evidence.newest.hash},
                    "finding_count": report.count,
                    "findings": [_finding(finding) for finding in report.findings],
                    "evidence": list(evidence_lines(report.evidence, trust, anchored=anchored)),
                }
                for report in reports
            ],
            "findings": [_finding(finding) for finding in others],
        }
    ).decode()


def _finding(finding: Finding) -> dict[str, object]:
    return {**finding._asdict(), "problem": Problem(finding.problem).value}
