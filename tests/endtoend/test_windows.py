"""`sweep.windows`: new work begins in these hours only."""

import json
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path

from testkit.program import daemon, run_program
from testkit.trail_rows import assert_settled
from testkit.world import DESTINATION, SOURCE, World

CONFIG = """
http: {{host: 127.0.0.1, port: {port}}}
sweep: {{interval: 200ms, windows: [{{days: {day}}}]}}
"""


def configure(folder: Path, port: int, *, open_: bool) -> None:
    """Open all week, or closed from yesterday to the day after tomorrow, so that no midnight comes between."""
    opening = datetime.now(UTC) + timedelta(days=3)
    day = "mon-sun" if open_ else f"{opening:%a}".lower()
    (folder / "config.yaml").write_text(CONFIG.format(port=port, day=day), encoding="utf-8")


def test_new_work_begins_inside_the_windows_only(world: World, port: int, tmp_path: Path) -> None:
    """No sweep begins outside; one under way ends as interrupted when its window closes; the next goes on."""
    world.s3.fill(SOURCE, 1500, size=10)
    # At twenty a second it takes far longer than to read the settings again.
    world.s3.set_latency(CopyObject=0.5)
    configure(tmp_path, port, open_=False)
    with daemon({**world.environment, "S3MOVER_TRANSFER__THREADS": "10"}, tmp_path) as running:
        assert running.await_event("window.closed")["opens_at"] > datetime.now(UTC).timestamp()
        running.process.send_signal(signal.SIGUSR1)
        status = json.loads(running.get(port, "/status")[1])
        assert (status["state"], status["window_open"], status["sweeps"]) == ("idle", False, [])
        assert "s3mover_window_open 0.0" in running.get(port, "/metrics")[1]
        assert running.get(port, "/readyz")[0] == 200
        assert world.s3.count(DESTINATION) == 0

        configure(tmp_path, port, open_=True)
        running.process.send_signal(signal.SIGHUP)
        assert running.await_event("settings.reloaded")["changed"] == ["sweep.windows"]
        running.await_event("object.moved")
        assert "window.opened" in [event["event"] for event in running.events]

        configure(tmp_path, port, open_=False)
        running.process.send_signal(signal.SIGHUP)
        finished = running.await_event("sweep.finished")
        assert (finished["status"], finished["message"]) == ("interrupted", "outside sweep.windows")
        assert 0 < world.s3.count(DESTINATION) < 1500

        world.s3.set_latency(0)
        configure(tmp_path, port, open_=True)
        running.process.send_signal(signal.SIGHUP)
        assert running.await_event("sweep.finished")["status"] == "completed"
        running.process.terminate()
        assert running.end() == 0
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_a_sweep_by_hand_knows_no_windows(world: World, port: int, tmp_path: Path) -> None:
    """Whoever asks for one wants it now."""
    world.s3.put_object(SOURCE, "key", b"1")
    configure(tmp_path, port, open_=False)
    run_program(["sweep"], world.environment, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)
