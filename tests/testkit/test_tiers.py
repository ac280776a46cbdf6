"""The guard of the tier without processes."""

import pytest

pytest_plugins = ["pytester"]

CONFTEST = """
from testkit.tiers import Tiers


def pytest_configure(config):
    config.addinivalue_line("markers", "process: starts processes")
    config.pluginmanager.register(Tiers())
"""
TESTS = """
import os
import subprocess
import sys

import pytest


def run():
    subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.fixture
def server():
    run()


def test_that_runs_a_command():
    run()


def test_that_forks():
    if not os.fork():
        os._exit(0)


def test_whose_fixture_runs_a_command(server):
    pass


@pytest.mark.process
def test_with_the_mark(server):
    run()


def test_without_a_process():
    pass
"""
LAST = """
import subprocess
import sys

import pytest


def run():
    subprocess.run([sys.executable, "-c", ""], check=True)


@pytest.fixture(scope="session")
def engine():
    yield
    run()


@pytest.fixture
def server():
    yield
    run()


@pytest.mark.process
def test_with_an_engine(engine):
    pass


def test_whose_fixture_ends_by_a_command(server):
    pass


def test_at_the_end():
    pass
"""


@pytest.mark.process
def test_a_test_that_starts_a_process_without_the_mark_fails(pytester: pytest.Pytester) -> None:
    """Whether the test itself starts it or a fixture of it, and however it does."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(TESTS)

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=2, failed=2, errors=1)
    result.stdout.fnmatch_lines(["*test_that_forks starts a process (os.fork) without the mark `process`*"])


@pytest.mark.process
def test_the_last_test_may_end_what_the_session_started(pytester: pytest.Pytester) -> None:
    """It may have been started for other tests; what is a test's own is still refused."""
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(LAST)

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider")

    result.assert_outcomes(passed=3, errors=1)
    result.stdout.fnmatch_lines(["ERROR *::test_whose_fixture_ends_by_a_command*"])


@pytest.mark.process
def test_the_tier_without_processes_leaves_out_marked_tests(pytester: pytest.Pytester) -> None:
    """Tests below `tests/endtoend/` and users of a server's fixture are marked without a word of their own."""
    pytester.makeconftest(CONFTEST)
    folder = pytester.mkpydir("tests") / "endtoend"
    folder.mkdir()
    (folder / "test_far.py").write_text("def test_far():\n    pass\n")
    pytester.makepyfile(
        test_near="""
import pytest


@pytest.fixture
def mariadb():
    pass


def test_with_a_server(mariadb):
    pass


def test_near():
    pass
"""
    )

    result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-m", "not process")

    result.assert_outcomes(passed=1, deselected=2)


@pytest.mark.process
@pytest.mark.parametrize("tier", ["deploy", "stores"])
def test_a_tier_of_a_folder_is_marked_by_the_folder(pytester: pytest.Pytester, tier: str) -> None:
    """Its tests start processes, too; others have no such mark."""
    pytester.makeconftest(
        CONFTEST.replace("pass\n", "") + f'    config.addinivalue_line("markers", "{tier}: x")\n'
    )
    folder = pytester.mkpydir("tests") / tier
    folder.mkdir()
    (folder / "test_far.py").write_text("def test_far():\n    pass\n")
    pytester.makepyfile(test_near="def test_near():\n    pass\n")

    assert pytester.runpytest_inprocess("-m", tier).parseoutcomes() == {"passed": 1, "deselected": 1}
    assert pytester.runpytest_inprocess("-m", f"{tier} and process").parseoutcomes()["passed"] == 1
