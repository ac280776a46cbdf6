"""The configuration process: reads settings and resolves credentials, then ends."""

import json
import os
import signal
from contextlib import closing
from io import StringIO
from pathlib import Path

import pytest

from s3mover.app.config_process import ConfigProcess, SettingsRequest, read_settings, resolve
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
def test_it_resolves_what_boto3_resolves() -> None:
    """Several times; the process ends on close, and shows no secret."""
    with closing(ConfigProcess()) as config_process:
        assert config_process.resolve(ACCESS) == ResolvedSide(
            ADDRESS, Credentials("AKIAEXAMPLE", "very/secret")
        )
        with pytest.raises(UnreachableError, match=r"source: .*Invalid bucket name"):
            config_process.resolve(
                SideAccess(Side.SOURCE, "no bucket", region="eu-west-1", access_key="A", secret_key="b")
            )
        assert config_process.resolve(ACCESS).address == ADDRESS
        assert b"very/secret" not in Path(f"/proc/{config_process.pid}/cmdline").read_bytes()
        assert b"very/secret" not in Path(f"/proc/{config_process.pid}/environ").read_bytes()
    assert not Path(f"/proc/{config_process.pid}").exists()


@pytest.mark.process
def test_the_death_of_the_process_is_reported() -> None:
    """With the side that was to be resolved; a new process works."""
    with closing(ConfigProcess()) as config_process:
        os.kill(config_process.pid, signal.SIGKILL)
        wait_until(lambda: Path(f"/proc/{config_process.pid}/stat").read_text().rpartition(") ")[2][0] == "Z")
        with pytest.raises(UnreachableError, match="source: the process that resolves credentials ended"):
            config_process.resolve(ACCESS)
    assert resolve(ACCESS).address == ADDRESS


@pytest.mark.process
def test_resolving_times_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A `credential_process` that hangs would block the caller, so that it could not react to a signal."""
    (tmp_path / "aws").write_text("[profile slow]\ncredential_process = sleep 600\n", encoding="utf-8")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "aws"))
    monkeypatch.setattr("s3mover.app.config_process.RESOLVE_TIMEOUT_SECONDS", 1.0)
    slow = SideAccess(Side.SOURCE, "ours", region="eu-central-1", profile="slow")
    with (
        closing(ConfigProcess()) as config_process,
        pytest.raises(UnreachableError, match=r"source: .* more than 1 seconds"),
    ):
        config_process.resolve(slow)


@pytest.mark.process
def test_it_reads_the_settings_that_load_reads() -> None:
    """From file, environment and command line, of one route or of all."""
    file = Path("routes.yaml")
    file.write_text(ROUTES, encoding="utf-8")
    overrides = {"sweep.interval": "5m"}
    expected = load(file, os.environ, overrides)
    assert read_settings(SettingsRequest(file, overrides)) == expected
    assert [name for name, _ in read_settings(SettingsRequest(file, overrides, "sales")).routes] == ["sales"]


@pytest.mark.process
def test_invalid_settings_are_reported_as_by_load() -> None:
    """With every problem, also an unknown route; the next request is answered."""
    with pytest.raises(SettingsError) as here:
        load(None, os.environ, {"transfer.threads": "many \udc80"})
    with closing(ConfigProcess()) as config_process:
        config_process.request_settings(SettingsRequest(None, {"transfer.threads": "many \udc80"}))
        with pytest.raises(SettingsError) as there:
            config_process.settings()
        assert there.value.problems == here.value.problems
        config_process.request_settings(SettingsRequest(None, BUCKETS, "hr"))
        with pytest.raises(SettingsError, match="'hr' is not a route"):
            config_process.settings()
        assert config_process.resolve(ACCESS).address == ADDRESS


@pytest.mark.process
def test_the_death_of_the_process_while_reading_is_reported() -> None:
    """As an error that another attempt may fix."""
    with closing(ConfigProcess()) as config_process:
        os.kill(config_process.pid, signal.SIGKILL)
        config_process.request_settings(SettingsRequest(None, BUCKETS))
        with pytest.raises(UnreachableError, match="the process that reads the settings ended unexpectedly"):
            config_process.settings()


@pytest.mark.process
def test_prefetched_sides_and_others_are_resolved_alike() -> None:
    """Both sides of the first route are prefetched and used once; every other request is resolved as usual."""
    file = Path("routes.yaml")
    file.write_text(ROUTES, encoding="utf-8")
    with closing(ConfigProcess()) as config_process:
        config_process.request_settings(SettingsRequest(file, {}), prefetch=True)
        (_, first), (_, second) = config_process.settings().routes
        for access in [*side_accesses(first), *side_accesses(second), *side_accesses(first)]:
            assert config_process.resolve(access).credentials == Credentials("AKIAEXAMPLE", "very/secret")
            assert config_process.resolve(access).address.bucket == access.bucket


def test_each_request_is_answered_by_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the result or the error; an error does not affect the next request."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "nowhere")
    good = {"side": "source", "bucket": "buck", "region": "eu-west-1", "access_key": "A", "secret_key": "b"}
    requests = [["resolve", good | {"profile": "nope"}], ["resolve", good]]
    answers = StringIO()
    serve(StringIO("".join(json.dumps(one) + "\n" for one in requests)), answers)
    refused, found = map(json.loads, answers.getvalue().splitlines())
    assert refused["error"].startswith("source: there is no AWS profile 'nope'")
    assert found == {"address": list(ADDRESS), "credentials": ["A", "b", "", None]}
