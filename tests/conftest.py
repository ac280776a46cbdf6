"""Fixtures that several rooms share; what is particular to one room lies in its own folder."""

from collections.abc import Iterator

import pytest

from tests.support.mariadb import MariaDb, running_mariadb


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    """A private MariaDB, one per test process."""
    with running_mariadb() as server:
        yield server
