"""What the program says where the system refuses it something: no trace, no hang, and what helps."""

import os
import resource
import subprocess
from pathlib import Path

import pytest

from testkit.program import COMMAND, environment
from testkit.waiting import TOO_LONG
from testkit.world import World


@pytest.mark.parametrize("arguments", [["check"], ["sweep"], ["run"]])
def test_without_open_files_left_the_limit_is_named(
    world: World, tmp_path: Path, arguments: list[str]
) -> None:
    """Standard streams, and hardly any other."""
    done = subprocess.run(
        [*COMMAND, *arguments],
        cwd=tmp_path,
        env=environment(world.environment),
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (7, 7)),
    )
    assert done.returncode == 3, done.stdout + done.stderr
    assert "Too many open files" in done.stderr
    assert "ulimit -n" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_an_unreadable_home_is_no_internal_error(tmp_path: Path) -> None:
    """The AWS configuration in it is not found, which is said."""
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "config").write_text("[default]\n", encoding="utf-8")
    home.chmod(0)
    buckets = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs", "SRC_REGION": "eu-1", "DST_REGION": "eu-1"}
    # Root may read everything, unless it lays down its capabilities.
    unprivileged = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*unprivileged, *COMMAND, "check"],
        cwd=tmp_path,
        env=environment(buckets | {"HOME": str(home)}),
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
        check=False,
    )
    home.chmod(0o700)
    assert done.returncode == 3
    assert "source: no credentials were found" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
