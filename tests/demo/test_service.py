"""The demo's S3 server as a service, as docker-compose.demo.yml runs it."""

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
