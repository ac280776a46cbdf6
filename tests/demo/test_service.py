"""The demo's S3 server as a service of its own, as docker-compose.yml runs it."""

import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from s3mover.settings.load import load
from testkit.program import environment, run_program
from testkit.waiting import TOO_LONG

pytestmark = pytest.mark.process


def command(folder: Path, endpoint: str) -> list[str]:
    """Return the command that the container runs."""
    return [sys.executable, "-m", "s3mover.demo.service", str(folder), endpoint]


def test_its_settings_lead_to_documents_that_keep_arriving(port: int, tmp_path: Path) -> None:
    """By the settings that it leaves all is moved, then there is more to move; SIGTERM ends it with 0."""
    endpoint = f"http://localhost:{port}"
    with subprocess.Popen(
        command(tmp_path, endpoint), env=environment({}), stdout=subprocess.PIPE, text=True
    ) as service:
        try:
            assert service.stdout is not None
            assert "676 documents lie in acme-documents" in service.stdout.readline()
            assert load(tmp_path / "config.yaml", {}, {}).source.endpoint_url == endpoint
            run_program(["sweep"], {}, tmp_path)
            # What has arrived since is all that is left to do.
            while re.search(
                r" 0 to transfer", told := run_program(["sweep", "--dry-run"], {}, tmp_path).stdout
            ):
                continue
            assert "would transfer" in told
        finally:
            service.send_signal(signal.SIGTERM)
        assert service.wait(TOO_LONG) == 0


def test_real_buckets_are_refused(tmp_path: Path) -> None:
    """Where the environment names a bucket of the user's, which the demo has not, it says so and leaves nothing."""
    done = subprocess.run(
        command(tmp_path, "http://localhost:9"),
        env=environment({"SRC_BUCKET": "mine"}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "SRC_BUCKET" in done.stderr
    assert list(tmp_path.iterdir()) == []
