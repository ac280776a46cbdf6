"""The demo's S3 server as a service, as docker-compose.yml runs it."""

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


def test_a_daemon_with_its_settings_finds_new_documents(port: int, tmp_path: Path) -> None:
    """A sweep with the settings that it writes moves all documents, then new ones appear; SIGTERM ends it with 0."""
    endpoint = f"http://localhost:{port}"
    with subprocess.Popen(
        command(tmp_path, endpoint), env=environment({}), stdout=subprocess.PIPE, text=True
    ) as service:
        try:
            assert service.stdout is not None
            assert "676 documents are in acme-documents" in service.stdout.readline()
            assert load(tmp_path / "config.yaml", {}, {}).source.endpoint_url == endpoint
            run_program(["sweep"], {}, tmp_path)
            # Wait until new documents were added.
            while re.search(
                r" 0 to transfer", output := run_program(["sweep", "--dry-run"], {}, tmp_path).stdout
            ):
                continue
            assert "would transfer" in output
        finally:
            service.send_signal(signal.SIGTERM)
        assert service.wait(TOO_LONG) == 0


def test_real_buckets_are_refused(tmp_path: Path) -> None:
    """If the environment names a bucket that the demo does not have, it fails and writes nothing."""
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
