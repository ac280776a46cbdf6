"""What was found when the seals of pairs were verified, counted, and on what evidence."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from s3mover.audit.opening import open_seal_reader
from s3mover.audit.seal_verification import ChainCheck, ChainEvidence, CheckedSweep, Finding, Trust
from s3mover.audit.signatures import can_verify, load_public_key, load_signer, verify_signature
from s3mover.model import Pair
from s3mover.observe.text import visible
from s3mover.settings import Settings

SHOWN_FINDINGS = 100
NO_EVIDENCE = ChainEvidence()


@dataclass(slots=True)
class PairReport:
    """What was found about one pair."""

    pair: Pair
    evidence: ChainEvidence = NO_EVIDENCE
    sweeps: int = 0
    rows: int = 0
    pruned: int = 0
    findings: list[Finding] = field(default_factory=list)
    count: int = 0
    first: Finding | None = None

    def take(self, found: Finding | CheckedSweep) -> None:
        """Count what was found."""
        if isinstance(found, CheckedSweep):
            self.sweeps += 1
            self.rows += found.check.rows
            self.pruned += found.check.is_pruned
            return
        self.count += 1
        self.first = self.first or found
        if len(self.findings) < SHOWN_FINDINGS:
            self.findings.append(found)


def trust_of(settings: Settings, public_keys: Sequence[str] = (), head: str = "") -> Trust:
    """Return what is known from outside: the public keys in these files, else that of the settings; the hash `head`.

    Raises:
        SettingsError: a key is not usable.
    """
    keys = [load_public_key(path) for path in public_keys]
    if not keys and (signer := load_signer(settings.audit.signing_key_file)):
        keys = [signer.public_key]
    return Trust(keys, head.lower(), verify_signature if can_verify() else None)


def line_of(finding: Finding) -> str:
    """Return a finding as one line."""
    places = [
        *([f"seal {finding.seal}"] if finding.seal else []),
        *([f"sweep {finding.sweep}"] if finding.sweep else []),
    ]
    return f"{finding.problem}: {', '.join(places)}{': ' if places else ''}{visible(finding.message)}"


def evidence_lines(evidence: ChainEvidence, trust: Trust, *, anchored: bool) -> Iterator[str]:
    """Yield what the result rests on, and what it does not show."""
    if not evidence.signed:
        yield "the chain of seals alone; whoever can write the database could have computed it anew"
    elif trust.verify_signature is None:
        yield f"{evidence.signed} signatures, not verified: pip install 's3mover[signing]'"
    elif trust.keys:
        yield f"{evidence.signed} seals signed with a key that you trust"
    else:
        yield f"{evidence.signed} seals signed with {', '.join(evidence.keys)}; compare that, or give --public-key"
    if anchored:
        yield "the seals in the anchor, which the database's password does not reach"
    elif not trust.head:
        yield "seals removed at the end are not noticed without --anchor, or --head with a hash known from elsewhere"


def trail_facts(settings: Settings, pair: Pair) -> dict[str, object]:
    """Verify the seals of a pair, and return what a certificate says of them.

    Raises:
        MoverError: the audit database cannot be read, or a key is not usable.
    """
    trust, report = trust_of(settings), PairReport(pair)
    with closing(open_seal_reader(settings.audit.url.value)) as reader:
        chain = ChainCheck(reader, pair, trust)
        for found in chain.whole():
            report.take(found)
    newest = chain.evidence.newest
    return {
        "intact": not report.count,
        "seals": chain.evidence.seals,
        "rows": report.rows,
        "finding_count": report.count,
        "findings": [line_of(finding) for finding in report.findings],
        "evidence": list(evidence_lines(chain.evidence, trust, anchored=False)),
        "newest_seal": None
        if newest is None
        else {
            "number": newest.number,
            "hash": newest.hash,
            "root": newest.root,
            "sealed_at": newest.sealed_at,
            "signature": newest.signature,
        },
    }
