"""Lag of events: from the change of an object at the source to the commit of its row, at a steady rate of events."""

import time

import boto3

from bench.figures import Figure, Goal, Result
from bench.world import KIB, World
from testkit.event_queue import KEYS, REGION, EventQueue, make_queue
from testkit.foreign_stores import running_store
from testkit.program import Daemon, daemon

NAME = "lag of events"
PER_SECOND = 200
PER_BURST = 10
PERCENTILES = {"median": 0.5, "99 of 100": 0.99}
WANTED = {"median": 1.0, "99 of 100": 3.0}


def run(world: World) -> Result:
    """Measure."""
    count = PER_SECOND * (5 if world.quick else 30)
    world.source.furnish(0, KIB, KIB)
    with running_store("moto") as store:
        sqs = boto3.client("sqs", endpoint_url=store.endpoint, region_name=REGION, **KEYS)
        queue = make_queue(store.endpoint, sqs)
        lags = sorted(_lags(world, queue, count))
    case = f"{PER_SECOND} events/s"
    at = {name: lags[min(len(lags) - 1, int(share * len(lags)))] for name, share in PERCENTILES.items()}
    note = f"{len(lags):,} events"
    figures = [
        Figure(NAME, f"{case}, {name}", "s3mover", "seconds", (lag,), note=note) for name, lag in at.items()
    ]
    goals = [Goal(NAME, f"{case}, {name}, seconds", WANTED[name], at[name], least=False) for name in at]
    return Result(figures, goals)


def _lags(world: World, queue: EventQueue, count: int) -> list[float]:
    """Return the lag of each object, in seconds."""
    settings = world.settings() | queue.settings(WAIT="20s")
    settings |= {"S3MOVER_SWEEP__INTERVAL": "1h", "S3MOVER_LOG__LEVEL": "debug"}
    with daemon(settings, world.folder) as running:
        running.await_event("sweep.finished")
        running.await_event("events.queue")
        world.source.furnish(count, KIB, KIB)
        _send(queue, count)
        return _measured(running, count)


def _send(queue: EventQueue, count: int) -> None:
    """Send the messages of all objects, a burst at a time, each at its time."""
    started = time.monotonic()
    for first in range(0, count, PER_BURST):
        time.sleep(max(0.0, started + first / PER_SECOND - time.monotonic()))
        keys = [f"documents/{number:08}" for number in range(first, first + PER_BURST)]
        queue.send([queue.message("source", key) for key in keys])


def _measured(running: Daemon, count: int) -> list[float]:
    lags: list[float] = []
    while len(lags) < count:
        lags += running.await_event("object.lag")["seconds"]
    return lags
