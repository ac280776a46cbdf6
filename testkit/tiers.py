"""Which tests belong to which tier, and a guard of the tier without processes (`make unit`).

Tests that start a process have the mark `process`; without it they fail, in every tier. Tests below `tests/stores/`
have the mark `stores`: they need servers that only `make test-stores` installs. Tests below `tests/deploy/` have the
mark `deploy`: they need container engines and other tools of operators.
"""

import sys
from collections.abc import Generator

import pytest

PROCESS = "process"
# Every test below these folders starts processes, and so does one that uses one of these fixtures. Others that do are
# marked where they stand: `@pytest.mark.process`.
STORES, DEPLOY = "stores", "deploy"
FOLDERS = (f"tests/{DEPLOY}/", "tests/endtoend/", "tests/monitoring/", f"tests/{STORES}/")
SERVERS = {"mariadb", "simulator"}
# Audit events of Python that come before a process is started.
STARTS = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}


class Tiers:
    """Plugin of pytest that marks tests, and fails those that start a process without the mark."""

    def __init__(self) -> None:
        self._without_processes = ""
        sys.addaudithook(self._refuse_processes)

    @pytest.hookimpl(tryfirst=True)  # before pytest selects by marks
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Mark the tests that start processes, and those of the tiers of foreign stores and of deployment."""
        for item in items:
            for tier in (STORES, DEPLOY):
                if item.nodeid.startswith(f"tests/{tier}/"):
                    item.add_marker(tier)
            if item.nodeid.startswith(FOLDERS) or SERVERS.intersection(getattr(item, "fixturenames", ())):
                item.add_marker(PROCESS)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        """Watch one test, its fixtures included."""
        self._without_processes = "" if item.get_closest_marker(PROCESS) else item.nodeid
        try:
            return (yield)
        finally:
            self._without_processes = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_teardown(self, nextitem: pytest.Item | None) -> Generator[None, object, object]:
        """Let the last test end the fixtures of the session, which may be those of other tests."""
        if nextitem is None:
            self._without_processes = ""
        return (yield)

    def _refuse_processes(self, event: str, _arguments: object) -> None:
        if self._without_processes and event in STARTS:
            pytest.fail(f"{self._without_processes} starts a process ({event}) without the mark `{PROCESS}`")
