"""The steps of the Dockerfile in a clean virtual environment, also where no image can be built; then the daemon."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.mariadb import MariaDb
from testkit.program import environment
from testkit.waiting import TOO_LONG, wait_until
from testkit.world import DESTINATION, SOURCE, World

ROOT = Path(__file__).resolve().parents[2]
PIP = {
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "PIP_NO_COMPILE": "1",
    "PIP_ONLY_BINARY": ":all:",
    "PIP_REQUIRE_HASHES": "1",
}

# Installing all packages takes longer than other tests may.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image's last stage takes: the locked packages and s3mover, trimmed and compiled."""
    folder = tmp_path_factory.mktemp("installed") / "s3mover"
    python = folder / "bin" / "python3"
    settings = {**os.environ, **PIP}
    compiled = {**settings, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    steps: list[tuple[list[str | Path], dict[str, str]]] = [
        ([sys.executable, "-m", "venv", folder], settings),
        (
            [
                python,
                "-m",
                "pip",
                "install",
                "-q",
                "-r",
                "requirements.lock",
                "-r",
                "requirements-scale.lock",
            ],
            settings,
        ),
        ([python, "-m", "pip", "install", "-q", "-r", "requirements-build.lock"], settings),
        (
            [python, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "."],
            {**settings, "PIP_REQUIRE_HASHES": "0"},
        ),
        ([python, "deploy/image/trim.py", folder], settings),
        ([python, "-P", "deploy/image/precompile.py"], compiled),
    ]
    for command, given in steps:
        subprocess.run(command, cwd=_source(folder), env=given, check=True)
    return folder


def _source(folder: Path) -> Path:
    """Return a copy of what the Dockerfile copies: building leaves its traces there."""
    source = folder.parent / "source"
    if not source.exists():
        source.mkdir()
        locks = [f"requirements{kind}.lock" for kind in ("", "-scale", "-build")]
        names = ["pyproject.toml", "README.md", "LICENSE", *locks]
        subprocess.run(["cp", "-r", *names, "schema", "s3mover", "deploy", source], cwd=ROOT, check=True)
    return source


def test_what_is_installed_moves_a_bucket_and_stops_in_good_order(
    installed: Path, world: World, mariadb: MariaDb, port: int, tmp_path: Path
) -> None:
    """From an empty folder, with nothing but the environment; the health check agrees, SIGTERM ends it with 0."""
    world.s3.fill(SOURCE, 40, size=1000)
    trail = mariadb.database()
    settings = environment(
        {
            **world.environment,
            "MYSQL_DSN": trail.go_dsn,
            "S3MOVER_HTTP__HOST": "127.0.0.1",
            "S3MOVER_HTTP__PORT": str(port),
            "PYTHONPYCACHEPREFIX": str(installed / "compiled"),
        }
    )
    health = [installed / "bin" / "python3", ROOT / "deploy" / "image" / "healthcheck.py"]
    with (tmp_path / "log").open("wb") as log:
        daemon = subprocess.Popen(
            [installed / "bin" / "s3mover", "run"], cwd=tmp_path, env=settings, stdout=log, stderr=log
        )
    try:
        wait_until(
            lambda: b"sweep.finished" in (tmp_path / "log").read_bytes(),
            "a sweep has ended",
            (tmp_path / "log").read_text,
        )
        subprocess.run(health, cwd=tmp_path, env=settings, check=True, timeout=TOO_LONG)
        daemon.send_signal(signal.SIGTERM)
        assert daemon.wait(TOO_LONG) == 0
    finally:
        daemon.kill()
        daemon.wait()
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert trail.query("SELECT COUNT(*) FROM document_logs WHERE status = 'success'") == [(40,)]
