"""The unit, judged by systemd's own tools."""

import configparser
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s3mover.app.observers import HANG_SECONDS
from s3mover.settings.model import StopSettings
from testkit.waiting import TOO_LONG
from tests.deploy.container_engine import ROOT

UNIT = ROOT / "deploy" / "systemd" / "s3mover.service"
MOST_EXPOSED = 1.5  # of 10; systemd calls everything below 2 "OK"


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """The unit, with the program where it is on this machine."""
    program = Path(sys.executable).with_name("s3mover")
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text("utf-8").replace("/opt/s3mover/bin/s3mover", str(program)), "utf-8")
    return copy


def analyze(*arguments: str | Path) -> str:
    """Run systemd-analyze, which needs no running systemd for this, and return all that it said."""
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.fail("systemd-analyze is missing; .ci/install-test-servers installs it", pytrace=False)
    done = subprocess.run(
        [program, *arguments], capture_output=True, text=True, check=False, timeout=TOO_LONG
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_finds_no_fault(installed: Path) -> None:
    """Neither an unknown setting nor a value that is none."""
    assert analyze("verify", installed) == ""


def test_it_is_hardened(installed: Path) -> None:
    """The manager's own measure of what a service could reach is low, and stays so."""
    judged = analyze("security", "--offline=true", "--no-pager", installed)
    measure = re.search(r"Overall exposure level for \S+: ([\d.]+)", judged)
    assert measure
    assert float(measure[1]) <= MOST_EXPOSED, judged


def test_it_gives_more_time_than_stopping_takes() -> None:
    """The manager kills later than stop.grace ends, and only then the workers."""
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(UNIT, "utf-8")
    assert float(unit["Service"]["TimeoutStopSec"]) > StopSettings().grace
    assert unit["Service"]["KillMode"] == "mixed"
    assert unit["Service"]["RestartPreventExitStatus"] == "2"


def test_it_writes_no_core_file() -> None:
    """The memory of the processes holds credentials."""
    assert "\nLimitCORE=0\n" in UNIT.read_text("utf-8")


def test_the_watchdog_is_slower_than_health() -> None:
    """What /healthz takes for a loop at work, systemd must not end."""
    watchdog = re.search(r"^WatchdogSec=(\d+)$", UNIT.read_text("utf-8"), re.MULTILINE)
    assert watchdog
    assert float(watchdog[1]) > HANG_SECONDS
