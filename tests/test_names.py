"""The names that were replaced do not come back."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FOLDERS = ("s3mover", "tests", "testkit", "simulator", "bench", "docs", "deploy")
# CHANGELOG.md is not among them: it tells what was renamed.
FILES = (
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "Makefile",
    "pyproject.toml",
    "docker-compose.yml",
)
SUFFIXES = frozenset({".md", ".py", ".toml", ".yaml", ".tpl", ".js", ".css", ".html"})

# Names of classes, functions, constants and modules that were replaced. Only what means nothing else stands here:
# Line, Sharing, once and the like are plain words.
CODE = """
    Abilities Arrival Bulletin Clerk ControlDoor CredentialKeeper Crew Dealer Deference Desk Doubt
    Duties Errand Errands EtagTrust FromCrew Governor InTurn Invitation Journey Lack Ledger
    Nursery OutageNotice OwnRequests OwnTraffic PatientTrail Patience PauseNotice RouteBrief Scarcity
    Slate Steward StopNotice Territory Thoroughness Turnstile Verdicts Vigil WaitRule Wishes _Channel
    _Stile _acquit_framing _bury _duties _foreman _hire _hired _insist _instruct _lend_trust _slate
    _steward _stillborn _stir _trusted _verdicts _welcome _wishes DISMISSAL_SECONDS FINDINGS_AHEAD
    LANDING_SECONDS LOOK_SECONDS MOST_STILLBORN TRUST_SECONDS TRUST_STEP_SECONDS accesses_of at_hand
    brief_of by_workers call_back clerk_started close_desk crew_of forgo_framing glance_into
    governed_alone hand_on heed_term_as_first_process heeding_signals hired_at identity_of keep_to
    lend_trust log_defect nursery_started of_bulk open_desk open_engine open_house open_subject
    own_traffic sides_of slate_memory take_seat teach terms_of tending undisturbed wait_rule
    wait_rule_of while_beating without_waiting deference dealing errands forgetting heeding humanised
    rereading thoroughness vigil
"""
# Metaphors: of a house, an estate, an office, a bank and a school.
METAPHORS = """
    cellar clerk clerks crew crews desk desks errand foreman governor invitation invitations nursery
    slate slates steward stillborn storey storeys stile switchboard turnstile valve valves
"""
REPLACED = re.compile(rf"\b(?:{'|'.join((CODE + METAPHORS).split())})\b")


def _paths() -> list[Path]:
    """Return all files that the rules are about, this one too."""
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in SUFFIXES)
    return [*sorted(found), *(ROOT / name for name in FILES)]


def _found() -> Iterator[str]:
    """Yield each replaced name with its place, as in `docs/tuning.md:12: desk`."""
    for path in _paths():
        if path != Path(__file__):
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
                yield from (f"{path.relative_to(ROOT)}:{number}: {name}" for name in REPLACED.findall(line))


def test_no_name_that_was_replaced_is_left() -> None:
    """Neither in code nor in prose."""
    left = list(_found())
    assert not left, "names that were replaced:\n" + "\n".join(left)


def test_no_file_is_called_by_a_name_that_was_replaced() -> None:
    """Nor a folder."""
    paths = [str(path.relative_to(ROOT)) for path in _paths()]
    left = [path for path in paths if REPLACED.search(re.sub("[_.]", " ", path))]
    assert not left, f"files called by names that were replaced: {left}"


@pytest.mark.parametrize(
    "text", ["class Crew:", "self._slate = 1", "the nursery's process", "one desk, one valve"]
)
def test_a_name_that_was_replaced_is_found(text: str) -> None:
    """As a name of code, a possessive, or a plain word."""
    assert REPLACED.search(text)
