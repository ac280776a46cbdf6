"""A cluster of real processes on loopback with mutual TLS."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from s3mover.scale.certificates import write_certificates
from tests.scale.members import Identities, Members


@pytest.fixture(scope="session")
def identities(tmp_path_factory: pytest.TempPathFactory) -> Identities:
    """The certificates of a cluster."""
    folder = tmp_path_factory.mktemp("certificates") / "cluster"
    write_certificates(folder, datetime.now(UTC))
    return Identities(folder)


@pytest.fixture
def members(identities: Identities, port: int, tmp_path: Path) -> Iterator[Members]:
    """Starts members of a cluster; all end with the test."""
    with Members(identities, port, tmp_path) as started:
        yield started
