"""Fixtures and hooks for all tests; those of one folder are in its own conftest.py."""

import sys
from collections.abc import Iterator

import pytest
from _pytest.terminal import TerminalReporter
from hypothesis import HealthCheck, settings
from xdist.remote import Producer

from testkit import report_tables
from testkit.keys import ODD_KEYS
from testkit.mariadb import MariaDb, running_mariadb
from testkit.ports import reserved_port
from testkit.tiers import Tiers
from testkit.xdist_groups import GroupScheduling

# jsonschema, which moto and kubernetes-validate import, compiles a grammar of IRIs with it: 4 s in each test process.
# It does without where the package is missing, and no test checks an IRI.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

# Hypothesis would fail what takes more than 200 ms, and data that take long to make: a busy machine's doing.
settings.register_profile("s3mover", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("s3mover")


def pytest_configure(config: pytest.Config) -> None:
    """Mark the tests of each tier, and guard those that may start no process."""
    config.pluginmanager.register(Tiers())


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> GroupScheduling | None:
    """Run groups of files in one process each."""
    return GroupScheduling(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture
def port() -> Iterator[int]:
    """A port for the program that the test starts."""
    with reserved_port() as reserved:
        yield reserved


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A private MariaDB, one per test process."""
    with running_mariadb() as server:
        yield server


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    """Print which key arrived by which method, and what was killed, if the tests that record it ran."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    told = [
        value for report in reports for name, value in report.user_properties if name == report_tables.ARRIVED
    ]
    columns: dict[str, list[bool]] = dict(told)
    if columns:
        terminalreporter.section(f"{len(ODD_KEYS)} odd keys: bytes and properties at the destination")
        for line in report_tables.lines(ODD_KEYS, dict(sorted(columns.items()))):
            terminalreporter.write_line(line)
    kills = [
        kill
        for report in reports
        for name, told in report.user_properties
        if name == report_tables.KILLS
        for kill in told
    ]
    if kills:
        terminalreporter.section(f"{len(kills)} kills")
        for line in report_tables.kill_lines(kills):
            terminalreporter.write_line(line)
