"""A daemon that sweeps hundreds of times while objects are added, changed and deleted: its resources must not grow.

Each round changes the source, requests a sweep by SIGUSR1, and samples the whole process tree after it.
"""

import os
import signal
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from s3mover.workers.lease_guard import LEASE_GUARD_SECONDS, SETTLING_SECONDS
from testkit import block_counter
from testkit.memory import own_memory, tree
from testkit.program import Daemon, daemon
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World

# By its path and without this folder on Python's own: it runs in a folder of its own.
COUNTING_COMMAND = [sys.executable, "-P", str(Path(block_counter.__file__))]
SIZE = 1024
# Every so many rounds both buckets must be equal, and what is older than the last rounds makes room.
ROUNDS_KEPT = 10
LATEST = 2
ORDERS_PER_THREAD = 4
STREAMED = 4  # one of so many objects
CHANGED = 20  # one of so many objects is another version of one that was moved before


class Sample(NamedTuple):
    """The whole process tree after one sweep.

    `memory` is the PSS, in bytes, of pages that no file backs: those of libraries are shared with whatever else runs
    Python here, and come and go with it. `blocks` are what the supervisor's interpreter holds, `session` what the
    database server holds for it, in bytes.
    """

    seconds: float
    memory: int
    processes: int
    threads: int
    files: int
    blocks: int
    session: int


@dataclass(frozen=True)
class Growth:
    """What was taken in the second tenth of the sweeps and in the last one: medians, named as in `Sample`."""

    before: Mapping[str, float]
    after: Mapping[str, float]

    def of(self, name: str) -> float:
        """Return by how much one of them has grown."""
        return self.after[name] - self.before[name]


def growth_of(samples: list[Sample]) -> Growth:
    """Compare the second tenth, by when all is warm, with the last."""
    tenth = len(samples) // 10
    return Growth(_medians(samples[tenth : 2 * tenth]), _medians(samples[-tenth:]))


def _medians(samples: list[Sample]) -> dict[str, float]:
    columns = zip(Sample._fields, zip(*samples, strict=True), strict=True)
    return {name: statistics.median(values) for name, values in columns}


class Soak:
    """A daemon of so many `threads` on `world` in `folder`, for `rounds` sweeps of `each` objects.

    `session` asks the database what it holds for the daemon, in bytes.
    """

    def __init__(
        self,
        world: World,
        folder: Path,
        *,
        threads: int,
        rounds: int,
        each: int,
        session: Callable[[], int] = int,
    ) -> None:
        self._world = world
        self._s3 = world.s3
        self._folder = folder
        self._rounds = rounds
        self._each = each
        self._session = session
        self._threads = threads
        self.samples: list[Sample] = []
        self.failed = 0

    @property
    def versions(self) -> int:
        """How many versions of objects the source had: each must have one row of success."""
        return self._rounds * self._each + 2 * ORDERS_PER_THREAD * self._threads

    def run(self, settings: Mapping[str, str]) -> list[Sample]:
        """Run it to its end; fail if the program fails or an object is missing."""
        self._world.permit_copies(except_below=("denied/",))
        told = {
            "S3MOVER_HTTP__PORT": "0",
            "S3MOVER_SWEEP__INTERVAL": "1h",
            # Every failure is tried again by the next sweep, so that each version is moved just once.
            "S3MOVER_SWEEP__RETRY_WAIT": "0s",
            "S3MOVER_TRANSFER__THREADS": str(self._threads),
            "S3MOVER_TRANSFER__PROCESSES": "2",
            **self._world.environment,
            **settings,
        }
        self._put_warm_up()
        with daemon(
            told, self._folder, "run", "--max-sweeps", str(self._rounds), command=COUNTING_COMMAND
        ) as running:
            for number in range(self._rounds):
                if number:
                    self._put_round(number)
                    running.process.send_signal(signal.SIGUSR1)
                else:
                    self._pause_supervisor(running)
                self._sweep(running, is_last=number == self._rounds - 1)
                if number % ROUNDS_KEPT == 0 or number == self._rounds - 1:
                    self._check_and_prune(number)
            assert running.end() == 0
        return self.samples

    def _put_warm_up(self) -> None:
        """Let the first sweep be so slow that every thread has work of each kind, and makes its connections.

        In a folder of its own each object that may not be copied has that tried with both sides' credentials.
        """
        warm = ORDERS_PER_THREAD * self._threads
        self._s3.fill(SOURCE, warm, SIZE, "0000/warm/")
        folders = [f"denied/0000/warm-{one}/" for one in range(warm)]
        self._s3.put_objects(SOURCE, [{"key": f"{folder}object", "body": b"warm"} for folder in folders])
        self._s3.set_latency(GetObject=0.2, CopyObject=0.2)
        self._put_round(0)

    def _pause_supervisor(self, running: Daemon) -> None:
        """Stop the supervisor until its workers have finished their orders, or their lease guard has expired.

        So outcomes gather, and the largest statements of the trail, which the database keeps prepared, are met early.
        """
        running.await_event("object.moved")
        running.process.send_signal(signal.SIGSTOP)
        done = self._s3.count(DESTINATION) + ORDERS_PER_THREAD * self._threads
        until = time.monotonic() + LEASE_GUARD_SECONDS + SETTLING_SECONDS
        wait_until(lambda: self._s3.count(DESTINATION) >= done or time.monotonic() > until, "all is done")
        running.process.send_signal(signal.SIGCONT)

    def _sweep(self, running: Daemon, *, is_last: bool) -> None:
        finished = running.await_event("sweep.finished")
        assert finished["status"] == "completed", finished
        self.failed += finished["failed"]
        running.events.clear()
        self._s3.set_latency(0)
        if not is_last:
            self.samples.append(self._sample(running.process.pid, finished["seconds"]))

    def _sample(self, pid: int, seconds: float) -> Sample:
        processes = tree(pid)
        return Sample(
            seconds,
            own_memory(pid),
            len(processes),
            sum(len([*Path(f"/proc/{one}/task").iterdir()]) for one in processes),
            sum(len([*Path(f"/proc/{one}/fd").iterdir()]) for one in processes),
            self._blocks(pid),
            self._session(),
        )

    def _blocks(self, pid: int) -> int:
        told = self._folder / block_counter.BLOCKS
        told.unlink(missing_ok=True)
        os.kill(pid, signal.SIGUSR2)
        wait_until(told.exists, "the blocks are told")
        return int(told.read_text())

    def _put_round(self, number: int) -> None:
        """Put a round's objects, new and changed, and make some of its requests fail."""
        changed = self._each // CHANGED if number >= LATEST else 0
        streamed = self._each // STREAMED
        self._s3.clear_faults()
        self._s3.fill(SOURCE, self._each - streamed - changed, SIZE, f"{number:04}/")
        self._s3.fill(SOURCE, streamed, SIZE, f"denied/{number:04}/")
        if changed:
            self._s3.fill(SOURCE, changed, SIZE, f"{number - LATEST:04}/", seed=1_000_000 + number)
        # In other rounds than those in which all must have arrived.
        if number % 5 == 2:
            # Of those that are streamed: what is refused as a copy would be streamed, and not fail.
            self._s3.add_fault("refusal", operation="GetObject", code="InvalidRequest", status=400, times=3)
        if number % 5 == 3:
            # For workers only: a listing thread that met all ten would wait half a minute in each such round.
            self._s3.add_fault("slow_down", operation="CopyObject", times=10)
        if number % 5 == 4:
            self._s3.add_fault("reset_before", operation="*Object", times=3)

    def _check_and_prune(self, number: int) -> None:
        """Assert that all objects have arrived, and delete those that no round touches any more."""
        assert self._s3.differences(SOURCE, DESTINATION) == []
        latest = {f"{one:04}" for one in range(number - LATEST, number + 1)}
        keys = [one["key"] for one in self._s3.objects(SOURCE)]
        old = [key for key in keys if key.removeprefix("denied/").partition("/")[0] not in latest]
        for bucket in (SOURCE, DESTINATION):
            self._s3.delete_objects(bucket, old)
        self._s3.clear_log()
