"""How long a pair is without a leader: `python -m bench.takeover`.

A standby waits while an instance leads; that one is killed, stopped in order, or suspended (SIGSTOP). Printed are the
seconds from the signal until the standby has the lease, and until its first sweep has begun.
"""

import signal
import time
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from bench.world import KIB, World, opened_world
from testkit.program import Daemon, daemon

ENDS = {
    "killed (SIGKILL)": signal.SIGKILL,
    "stopped in order (SIGTERM)": signal.SIGTERM,
    "suspended (SIGSTOP)": signal.SIGSTOP,
}
OBJECTS = 1000


def main() -> None:
    """Measure each way to end, and print a line for each."""
    print(f"{'the leader is':<28}{'standby leads after':>21}{'and sweeps after':>18}")
    with opened_world(quick=True) as world:
        for name, end in ENDS.items():
            leads, sweeps = measure(world, end)
            print(f"{name:<28}{leads:>19.2f} s{sweeps:>16.2f} s", flush=True)


def measure(world: World, end: signal.Signals) -> tuple[float, float]:
    """Return the seconds until the standby has the lease, and until it sweeps."""
    world.source.furnish(OBJECTS, KIB, KIB, filled=OBJECTS)
    settings = world.settings() | {"MYSQL_DSN": world.database.database().go_dsn} | world.importable()
    with ExitStack() as opened:
        leader = opened.enter_context(daemon(settings, _folder(world.folder, "leader")))
        leader.await_event("sweep.finished")
        standby = opened.enter_context(daemon(settings, _folder(world.folder, "standby")))
        standby.await_event("lease.waiting")
        at = time.time()
        leader.process.send_signal(end)
        acquired, started = (_moment(standby, name) for name in ("lease.acquired", "sweep.started"))
    return acquired - at, started - at


def _folder(base: Path, name: str) -> Path:
    folder = base / f"{name}-{time.monotonic_ns()}"
    folder.mkdir()
    return folder


def _moment(instance: Daemon, name: str) -> float:
    event: dict[str, Any] = instance.await_event(name)
    return datetime.fromisoformat(event["timestamp"]).timestamp()


if __name__ == "__main__":
    main()
