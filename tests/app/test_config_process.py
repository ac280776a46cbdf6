"""The clerk: settings and credentials from a process that ends again."""

import json
import os
import signal
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest

from s3mover.app.config_process import ConfigProcess, SettingsRequest, find, read_settings
from s3mover.app.config_process_main import serve
from s3mover.app.side_access import side_accesses
from s3mover.errors import SettingsError, UnreachableError
from s3mover.model import BucketAddress, Credentials, Side
from s3mover.s3.side_access import ResolvedSide, SideAccess
from s3mover.settings.load import load
from testkit.waiting import wait_until

ADDRESS = BucketAddress("buck", "https", "buck.s3.eu-west-1.amazonaws.com", 443, "", "eu-west-1")
ACCESS = SideAccess(
    Side.SOURCE, "buck", region="eu-west-1", access_key="AKIAEXAMPLE", secret_key="very/secret"
)
STORE = "http://store.example:9000"
BUCKETS = {"source.bucket": "ours", "destination.bucket": "theirs"}
ROUTES = """
source: {region: eu-west-1, access_key: AKIAEXAMPLE, secret_key: very/secret}
destination: {access_key: AKIAEXAMPLE, secret_key: very/secret, endpoint_url: "http://store.example:9000"}
routes:
  - {name: hr, source: {bucket: hr-docs}, destination: {bucket: hr-copy}}
  - {name: sales, source: {bucket: sales}, destination: {bucket: sales-copy}}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.process
def test_the_clerk_finds_what_boto3_finds() -> None:
    """Through its pipes, several times; its process ends with it, and shows no secret."""
    with closing(ConfigProcess()) as config_process:
        assert config_process.find(ACCESS) == ResolvedSide(ADDRESS, Credentials("AKIAEXAMPLE", "very/secret"))
        with pytest.raises(UnreachableError, match=r"source: .*Invalid bucket name"):
            config_process.find(
                SideAccess(Side.SOURCE, "no bucket", region="eu-west-1", access_key="A", secret_key="b")
            )
        assert config_process.find(ACCESS).address == ADDRESS
        assert b"very/secret" not in Path(f"/proc/{config_process.pid}/cmdline").read_bytes()
        assert b"very/secret" not in Path(f"/proc/{config_process.pid}/environ").read_bytes()
    assert not Path(f"/proc/{config_process.pid}").exists()


@pytest.mark.process
def test_a_clerk_that_died_is_said() -> None:
    """By the side that it was asked for; the next clerk does."""
    with closing(ConfigProcess()) as config_process:
        os.kill(config_process.pid, signal.SIGKILL)
        wait_until(lambda: Path(f"/proc/{config_process.pid}/stat").read_text().rpartition(") ")[2][0] == "Z")
        with pytest.raises(UnreachableError, match="source: the process that looks for credentials ended"):
            config_process.find(ACCESS)
    assert find(ACCESS).address == ADDRESS


@pytest.mark.process
def test_a_search_that_does_not_end_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A command that gives credentials, and hangs, would keep whoever waits from hearing a signal."""
    (tmp_path / "aws").write_text("[profile slow]\ncredential_process = sleep 600\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    monkeypatch.setattr("s3mover.app.config_process.PATIENCE_SECONDS", 1.0)
    slow = SideAccess(Side.SOURCE, "ours", region="eu-central-1", profile="slow")
    with (
        closing(ConfigProcess()) as asked,
        pytest.raises(UnreachableError, match=r"source: .* more than 1 seconds"),
    ):
        asked.find(slow)


@pytest.mark.process
def test_the_clerk_reads_what_would_be_read_here() -> None:
    """File, environment and command line, of one route or of all."""
    file = Path("routes.yaml")
    file.write_text(ROUTES, encoding="utf-8")
    overrides = {"sweep.interval": "5m"}
    wanted = load(file, os.environ, overrides)
    assert read_settings(SettingsRequest(file, overrides)) == wanted
    assert [name for name, _ in read_settings(SettingsRequest(file, overrides, "sales")).routes] == ["sales"]


@pytest.mark.process
def test_settings_that_cannot_be_worked_with_are_said_as_here() -> None:
    """Every problem, also that of a route that is not there; the next question is answered all the same."""
    with pytest.raises(SettingsError) as here:
        load(None, os.environ, {"transfer.threads": "many \udc80"})
    with closing(ConfigProcess()) as config_process:
        config_process.begin(SettingsRequest(None, {"transfer.threads": "many \udc80"}))
        with pytest.raises(SettingsError) as there:
            config_process.settings()
        assert there.value.problems == here.value.problems
        config_process.begin(SettingsRequest(None, BUCKETS, "hr"))
        with pytest.raises(SettingsError, match="there is no route 'hr'"):
            config_process.settings()
        assert config_process.find(ACCESS).address == ADDRESS


@pytest.mark.process
def test_a_clerk_that_dies_while_it_reads_is_said() -> None:
    """As what another attempt may mend."""
    with closing(ConfigProcess()) as config_process:
        os.kill(config_process.pid, signal.SIGKILL)
        config_process.begin(SettingsRequest(None, BUCKETS))
        with pytest.raises(UnreachableError, match="the process that reads the settings ended unexpectedly"):
            config_process.settings()


@pytest.mark.process
def test_both_ends_are_looked_for_while_the_settings_travel() -> None:
    """What is asked then is known already, once; a question that nobody expected is answered as ever."""
    file = Path("routes.yaml")
    file.write_text(ROUTES, encoding="utf-8")
    with closing(ConfigProcess()) as config_process:
        config_process.begin(SettingsRequest(file, {}), look_ahead=True)
        (_, first), (_, second) = config_process.settings().routes
        for access in [*side_accesses(first), *side_accesses(second), *side_accesses(first)]:
            assert config_process.find(access).credentials == Credentials("AKIAEXAMPLE", "very/secret")
            assert config_process.find(access).address.bucket == access.bucket


def test_each_question_gets_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is found, or the sentence of what went wrong: a wrong profile keeps nobody from asking again."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    good = {"side": "source", "bucket": "buck", "region": "eu-west-1", "access_key": "A", "secret_key": "b"}
    asked = [["find", good | {"profile": "nope"}], ["find", good]]
    answers = StringIO()
    serve(StringIO("".join(json.dumps(one) + "\n" for one in asked)), answers)
    refused, found = map(json.loads, answers.getvalue().splitlines())
    assert refused["error"].startswith("source: there is no AWS profile 'nope'")
    assert found == {"address": list(ADDRESS), "credentials": ["A", "b", "", None]}
