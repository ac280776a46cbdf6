"""What a running daemon can be told: by signals, by `s3mover pause` and `resume`, by its service manager."""

import json
import os
import signal
import socket
from pathlib import Path

import pytest

from testkit.program import Daemon, daemon, run_program
from testkit.trail_rows import assert_counted, assert_settled, pending
from testkit.waiting import TOO_LONG, wait_until
from testkit.world import DESTINATION, SOURCE, SOURCE_ACCOUNT, World
from tests.endtoend.test_daemon import AT_ONCE, THREADS, settings_for

NEVER = {"S3MOVER_SWEEP__INTERVAL": "1h"}
CONFIG = """
http: {{host: 127.0.0.1, port: {port}}}
sweep: {{interval: 1h}}
filter: {{exclude: [{exclude}]}}
log: {{level: {level}}}
"""


def configure(folder: Path, port: int, exclude: str = "", level: str = "info") -> None:
    text = CONFIG.format(port=port, exclude=exclude, level=level)
    (folder / "config.yaml").write_text(text, encoding="utf-8")


def status_of(running: Daemon, port: int) -> dict[str, object]:
    status: dict[str, object] = json.loads(running.get(port, "/status")[1])
    return status


def test_usr1_sweeps_now(world: World, port: int, tmp_path: Path) -> None:
    """However long the interval is."""
    with daemon(settings_for(world, port, **NEVER), tmp_path) as running:
        running.await_event("sweep.finished")
        world.s3.put_object(SOURCE, "new", b"1")
        running.process.send_signal(signal.SIGUSR1)
        running.await_event("object.moved", lambda event: event["key"] == "new")


def test_hup_reads_the_settings_again(world: World, port: int, tmp_path: Path) -> None:
    """What may change holds from then on, what may not is named, and nothing secret is."""
    world.s3.put_object(SOURCE, "a", b"1")
    world.s3.put_object(SOURCE, "b", b"2")
    configure(tmp_path, port, exclude="b")
    with daemon(world.environment, tmp_path) as running:
        assert running.await_event("sweep.finished")["succeeded"] == 1
        configure(tmp_path, port + 1, level="debug")
        running.process.send_signal(signal.SIGHUP)
        reloaded = running.await_event("settings.reloaded")
        assert reloaded["changed"] == ["filter.exclude", "log.level"]
        assert reloaded["refused"] == ["http.port"]
        running.process.send_signal(signal.SIGUSR1)
        running.await_event("sweep.page")
        running.await_event("object.moved", lambda event: event["key"] == "b")
        assert running.get(port, "/healthz")[0] == 200


def test_hup_teaches_the_workers(world: World, port: int, tmp_path: Path) -> None:
    """They treat what they begin from then on by the new settings."""
    configure(tmp_path, port)
    config = tmp_path / "config.yaml"
    world.s3.put_object(SOURCE, "copied", b"1")
    with daemon(world.environment, tmp_path) as running:
        assert running.await_event("object.moved")["method"] == "server_side_copy"
        running.await_event("sweep.finished")
        config.write_text(config.read_text() + "transfer: {method: streaming}\n", encoding="utf-8")
        world.s3.put_object(SOURCE, "streamed", b"1")
        running.process.send_signal(signal.SIGHUP)
        assert running.await_event("settings.reloaded")["changed"] == ["transfer.method"]
        running.process.send_signal(signal.SIGUSR1)
        assert running.await_event("object.moved")["method"] == "streaming"


def test_settings_that_are_wrong_change_nothing(world: World, port: int, tmp_path: Path) -> None:
    """All that is wrong is said, the old settings stay, and the daemon goes on."""
    configure(tmp_path, port)
    with daemon(world.environment, tmp_path) as running:
        running.await_event("sweep.finished")
        configure(tmp_path, port, level="loud")
        running.process.send_signal(signal.SIGHUP)
        assert "log.level" in running.await_event("settings.invalid")["message"]
        assert 's3mover_settings_reloads_total{status="error"} 1.0' in running.get(port, "/metrics")[1]
        running.process.send_signal(signal.SIGUSR1)
        assert running.await_event("sweep.finished")["status"] == "completed"


def test_a_pause_lets_what_is_in_flight_end_and_a_resume_goes_on(
    world: World, port: int, tmp_path: Path
) -> None:
    """Between the two nothing is listed or moved, no row is pending, and whoever asks sees why."""
    world.s3.fill(SOURCE, 300, size=10)
    world.s3.add_fault("hold", operation="CopyObject", nth=[*range(100, 300)])
    settings = settings_for(world, port, **AT_ONCE)
    with daemon(settings, tmp_path) as running:
        running.await_event("object.moved")
        wait_until(lambda: world.s3.hits() == THREADS, "all threads copy", running.tail)
        assert "paused" in run_program(["pause"], settings, tmp_path).stdout
        wait_until(lambda: pending(tmp_path) == THREADS, "what was not begun is withdrawn", running.tail)
        world.s3.clear_faults()
        finished = running.await_event("sweep.finished")
        assert (finished["status"], finished["message"]) == ("interrupted", "paused")
        assert pending(tmp_path) == 0
        moved = world.s3.count(DESTINATION)
        assert 0 < moved < 300
        running.process.send_signal(signal.SIGUSR1)
        status = status_of(running, port)
        assert (status["state"], status["paused"]) == ("paused", True)
        assert "s3mover_paused 1.0" in running.get(port, "/metrics")[1]
        assert running.get(port, "/readyz") == (200, "paused\n")
        world.s3.clear_log()
        assert "resumed" in run_program(["resume"], settings, tmp_path).stdout
        running.await_event("daemon.resumed")
        assert running.await_event("sweep.finished")["status"] == "completed"
        assert world.s3.counts(DESTINATION)["CopyObject"] == 300 - moved
        assert "s3mover_paused 0.0" in running.get(port, "/metrics")[1]
        running.process.terminate()
        assert running.end() == 0
    assert not (tmp_path / "s3mover.sock").exists()
    names = [event["event"] for event in running.events]
    assert names.count("daemon.paused") == names.count("daemon.resumed") == 1
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_who_pauses_no_daemon_is_told_so(world: World, tmp_path: Path) -> None:
    """With the place where one was looked for, if no database answers either; a missing database is not made."""
    assert "s3mover.db" in run_program(["pause"], world.environment, tmp_path, expect=3).stderr
    away = {**world.environment, "MYSQL_DSN": "u:p@tcp(127.0.0.1:1)/s3mover"}
    refused = run_program(["pause"], away, tmp_path, expect=3)
    assert "no daemon answers at s3mover.sock" in refused.stderr
    nowhere = {**away, "S3MOVER_CONTROL__SOCKET": "none"}
    assert "127.0.0.1" in run_program(["resume"], nowhere, tmp_path, expect=3).stderr


def test_without_a_place_for_the_control_socket_the_work_goes_on(
    world: World, port: int, tmp_path: Path
) -> None:
    """A read-only file system costs the pause and nothing else; it is said once."""
    settings = settings_for(world, port, S3MOVER_CONTROL__SOCKET="nowhere/control.sock")
    with daemon(settings, tmp_path) as running:
        assert "nowhere/control.sock" in running.await_event("control.unavailable")["message"]
        for _ in range(8):
            running.await_event("sweep.finished")
    assert [event["event"] for event in running.events].count("control.unavailable") == 1


def test_credentials_that_are_refused_are_looked_for_anew(world: World, port: int, tmp_path: Path) -> None:
    """The daemon lives on while they are refused, says so, and goes on when the mounted files hold others.

    It does not wait for the next sweep, which is hours away.
    """
    for name, value in (("id", world.source_key.access_key), ("secret", world.source_key.secret_key)):
        (tmp_path / name).write_text(value, encoding="utf-8")
    settings = settings_for(world, port, SRC_ACCESS_KEY_FILE="id", SRC_SECRET_KEY_FILE="secret")
    settings["S3MOVER_SWEEP__INTERVAL"] = "12h"
    del settings["SRC_ACCESS_KEY"], settings["SRC_SECRET_KEY"]
    with daemon(settings, tmp_path) as running:
        running.await_event("sweep.finished")
        world.s3.remove_key(world.source_key)
        running.process.send_signal(signal.SIGUSR1)
        failed = running.await_event("sweep.finished", lambda event: event["status"] == "failed")
        assert "InvalidAccessKeyId" in failed["message"]
        ready, sentence = running.get(port, "/readyz")
        assert (ready, "InvalidAccessKeyId" in sentence) == (200, True)
        assert "InvalidAccessKeyId" in str(status_of(running, port)["problem"])
        key = world.s3.add_key(
            SOURCE_ACCOUNT,
            "user/reader",
            [{"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}],
        )
        (tmp_path / "id").write_text(key.access_key, encoding="utf-8")
        (tmp_path / "secret").write_text(key.secret_key, encoding="utf-8")
        world.s3.put_object(SOURCE, "after", b"1")
        running.await_event("object.moved", lambda event: event["key"] == "after")
        running.await_event("sweep.finished")
        assert status_of(running, port)["problem"] == ""
        running.process.terminate()
        running.end()
    assert key.secret_key not in str(running.events)


def test_an_endpoint_that_is_away_is_waited_for(world: World, port: int, tmp_path: Path) -> None:
    """Sweeps fail and are made again, ever more seldom; health stays, and status and metrics tell."""
    with daemon(settings_for(world, port), tmp_path) as running:
        running.await_event("sweep.finished")
        world.s3.add_fault("refusal", operation="ListObjectsV2", code="NoSuchBucket", status=404)
        for _ in range(3):
            running.await_event("sweep.finished", lambda event: event["status"] == "failed")
        assert running.get(port, "/healthz")[0] == 200
        assert int(str(status_of(running, port)["failed_in_a_row"])) >= 2
        world.s3.clear_faults()
        world.s3.put_object(SOURCE, "after", b"1")
        running.await_event("object.moved")
        running.await_event("sweep.finished")
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_past_the_grace_it_ends_and_the_next_run_makes_it_good(
    world: World, port: int, tmp_path: Path
) -> None:
    """What hangs stays pending, and is resolved by looking at the destination."""
    world.s3.fill(SOURCE, 300, size=10)
    world.s3.add_fault("hang", operation="CopyObject", probability=0.3, seed=1)
    settings = settings_for(world, port, S3MOVER_STOP__GRACE="300ms", **AT_ONCE)
    with daemon(settings, tmp_path) as running:
        running.await_event("object.moved")
        wait_until(world.s3.hits, "a copy hangs", running.tail)
        running.process.terminate()
        assert running.await_event("sweep.finished")["status"] == "interrupted"
        assert running.end() == 0
    assert pending(tmp_path) > 0
    world.s3.clear_faults()
    run_program(["sweep"], world.environment, tmp_path)
    assert pending(tmp_path) == 0
    assert world.s3.differences(SOURCE, DESTINATION) == []


def test_workers_that_are_killed_again_and_again_cost_time_only(
    world: World, port: int, tmp_path: Path
) -> None:
    """Each is replaced; what three dying workers had in hand is set aside, and moved by a later sweep."""
    # At forty a second it would take far longer than the kills.
    world.s3.fill(SOURCE, 3000, size=10)
    world.s3.set_latency(CopyObject=0.5)
    killed = 0
    with daemon(settings_for(world, port, **AT_ONCE), tmp_path) as running:
        # Each death in a row is followed by a longer pause: 0, 1, 2 and 4 seconds.
        while killed < 5:
            worker = running.await_event("worker.started")
            running.await_event("object.moved")
            os.kill(worker["pid"], signal.SIGKILL)
            killed += 1
        world.s3.set_latency(0)
        running.await_event("sweep.finished", lambda event: event["planned"] == event["failed"] == 0)
        running.process.terminate()
        assert running.end() == 0
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert_counted(tmp_path)


@pytest.mark.parametrize(("fault", "code"), [(None, 0), ("access_denied", 1)])
def test_after_so_many_sweeps_it_ends_as_the_last_one_did(
    world: World, port: int, tmp_path: Path, fault: str | None, code: int
) -> None:
    """With the exit code that a single sweep would have."""
    world.s3.put_object(SOURCE, "key", b"1")
    if fault:
        world.s3.add_fault(fault, operation="*Object", key="key")
    with daemon(settings_for(world, port), tmp_path, "run", "--max-sweeps", "2") as running:
        assert running.end() == code
    assert [event["event"] for event in running.events].count("sweep.finished") == 2
    assert running.events[-1] == {**running.events[-1], "event": "daemon.stopped", "sweeps": 2}


def test_a_service_manager_is_told(world: World, port: int, tmp_path: Path) -> None:
    """Ready once connected, alive as often as the watchdog wants it, stopping when it does."""
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(TOO_LONG)
    manager.bind(f"\0s3mover-{os.getpid()}-{port}")
    said: list[str] = []

    def heard(line: str) -> bool:
        while line not in said:
            said.extend(manager.recv(4096).decode().split("\n"))
        return True

    notify = {"NOTIFY_SOCKET": f"@s3mover-{os.getpid()}-{port}", "WATCHDOG_USEC": "400000"}
    with daemon(settings_for(world, port, **notify), tmp_path) as running:
        assert heard("READY=1")
        said.clear()
        assert heard("WATCHDOG=1")
        running.process.terminate()
        assert heard("STOPPING=1")
        assert running.end() == 0
    manager.close()
