"""The handle and the process: start, create_buckets, compare, count, end."""

import json
import os
import select
import signal
import ssl
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from simulator import Simulator, SimulatorKey
from simulator.__main__ import duration
from testkit.waiting import TOO_LONG
from tests.simulator.conftest import OWNER, MakeBucket
from tests.simulator.raw import EVERYONE, ask

ROOT = Path(__file__).resolve().parents[2]


def test_a_hundred_thousand_objects_come_at_once(simulator: Simulator, bucket: str) -> None:
    """Each with content of its own, and equal to none of its neighbours."""
    simulator.fill(bucket, 100_000, size=100, prefix="p/")
    assert simulator.count(bucket) == 100_000
    found = simulator.objects(bucket, prefix="p/0000000")
    assert len({one["etag"] for one in found}) == len(found) == 10


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"body": b"y"}, "content"),
        ({"tags": {"a": "c"}}, "tags"),
        ({"metadata": {}}, "metadata"),
        ({"headers": {"content-type": "text/css"}}, "headers"),
        ({"storage_class": "GLACIER"}, "storage_class"),
    ],
)
def test_every_difference_is_seen(
    simulator: Simulator, bucket: str, change: dict[str, Any], field: str
) -> None:
    """Two objects that differ in one thing differ in that one thing."""
    told = {"key": "k", "body": b"x", "tags": {"a": "b"}, "metadata": {"m": "n"}}
    simulator.put_objects(bucket, [told | {"key": "1/k"}, told | change | {"key": "2/k"}])
    found = simulator.differences(bucket, bucket, first_prefix="1/", second_prefix="2/")
    assert [(one["key"], one["field"]) for one in found] == [("k", field)]
    same = {"first_prefix": "1/", "second_prefix": "1/"}
    assert simulator.differences(bucket, bucket, **same) == []


def test_missing_and_extra_objects_are_seen(simulator: Simulator, bucket: str) -> None:
    """Named from the first bucket's point of view."""
    simulator.put_objects(bucket, [{"key": "1/a", "body": b""}, {"key": "2/b", "body": b""}])
    found = simulator.differences(bucket, bucket, first_prefix="1/", second_prefix="2/")
    assert [(one["key"], one["field"]) for one in found] == [("a", "missing"), ("b", "extra")]


def test_the_log_tells_who_did_what(
    simulator: Simulator, owner: Any, owner_key: SimulatorKey, bucket: str
) -> None:
    """Operation, key, principal, status, code, and the bytes that went in and out."""
    owner.put_object(Bucket=bucket, Key="a", Body=b"12345")
    owner.get_object(Bucket=bucket, Key="a")["Body"].read()
    put, got = simulator.log(bucket=bucket)
    assert (put["operation"], put["key"], put["principal"]) == ("PutObject", "a", owner_key.arn)
    assert (put["status"], put["code"], put["received"], got["sent"]) == (200, "", 5, 5)
    assert simulator.log(bucket=bucket, since=put["number"]) == [got]
    assert simulator.counts(bucket) == {"PutObject": 1, "GetObject": 1}


def test_a_command_that_fails_says_why(simulator: Simulator, bucket: str) -> None:
    """A bucket twice, a bucket that is none, a command that is none."""
    with pytest.raises(ValueError, match="exists"):
        simulator.create_bucket(bucket, OWNER)
    with pytest.raises(ValueError, match="KeyError"):
        simulator.count("no-such-bucket")
    with pytest.raises(ValueError, match="no such command"):
        simulator.command("_world")


def test_a_secret_is_not_shown() -> None:
    """The repr of a key names its owner."""
    assert "hidden" not in repr(SimulatorKey("AKIA1234", "hidden", "hidden", OWNER, "arn", None))


def test_latency_is_per_operation(simulator: Simulator, make_bucket: MakeBucket) -> None:
    """An operation's own latency wins over the general one: a GET that would take a minute is not waited for."""
    opened = make_bucket(policy=EVERYONE)
    simulator.put_object(opened, "a", b"x")
    simulator.set_latency(60.0, GetObject=0.0)
    assert ask(simulator.endpoint, "GET", f"/{opened}/a").body == b"x"


@pytest.mark.process
def test_tls_can_be_verified() -> None:
    """The throw-away authority is enough for a client that verifies, names of buckets included."""
    with Simulator(tls=True) as secure:
        secure.create_bucket("open", OWNER, policy=EVERYONE)
        secure.put_object("open", "a", b"x" * 1_000_000)
        context = ssl.create_default_context(cafile=secure.ca_file)
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        with opener.open(f"{secure.endpoint}/open/a", timeout=TOO_LONG) as response:
            assert response.read() == b"x" * 1_000_000


@pytest.mark.process
def test_the_simulator_ends_with_its_parent() -> None:
    """A parent that is killed can't stop it; it notices and goes."""
    code = (
        "import json, os, signal, sys\n"
        "from simulator import Simulator\n"
        "s = Simulator()\n"
        "print(json.dumps([s.pid]), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    parent = subprocess.run([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, check=False)
    assert parent.returncode == -signal.SIGKILL
    try:
        descriptor = os.pidfd_open(json.loads(parent.stdout)[0])
    except ProcessLookupError:
        return
    ended, _, _ = select.select([descriptor], [], [], TOO_LONG)
    os.close(descriptor)
    assert ended


@pytest.mark.process
def test_the_command_prints_what_a_shell_needs() -> None:
    """Endpoint and credentials as exports; SIGTERM ends it well."""
    command = [sys.executable, "-m", "simulator", "--objects", "3", "--latency", "1ms"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        lines = [process.stdout.readline().strip() for _ in range(10)]
        process.terminate()
        assert process.wait(TOO_LONG) == 0
    settings = dict(line.removeprefix("export ").split("=", 1) for line in lines)
    assert settings["SRC_BUCKET"] == "source"
    assert settings["DST_ENDPOINT_URL"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(("text", "seconds"), [("30ms", 0.03), ("2s", 2.0), ("0.5", 0.5)])
def test_durations_are_read(text: str, seconds: float) -> None:
    """Milliseconds, seconds, or a bare number of seconds."""
    assert duration(text) == pytest.approx(seconds)
