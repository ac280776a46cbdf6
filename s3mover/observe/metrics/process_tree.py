"""CPU time and memory of all processes of this program together, read from Linux' /proc at each scrape.

Source: proc(5), `/proc/pid/stat` and `/proc/pid/smaps_rollup`.
"""

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

_PROC = Path("/proc")
# Fields of `stat` after the command's name: the parent, and the CPU time of a process and of its children that ended.
_PARENT, _CPU_TIMES = 1, slice(11, 15)
_KIB = 1024


class Usage(NamedTuple):
    """Seconds of CPU time, and bytes of memory; pages that processes share count once."""

    cpu_seconds: float
    memory_bytes: int


class ProcessTreeCollector(Collector):
    """The usage of this process and its descendants."""

    def collect(self) -> Iterator[Metric]:
        """Yield both families."""
        usage = _usage_at(int(time.monotonic()))
        yield CounterMetricFamily(
            "s3mover_cpu_seconds", "CPU time of all processes together.", value=usage.cpu_seconds
        )
        yield GaugeMetricFamily(
            "s3mover_memory_bytes",
            "Memory of all processes together; shared pages count once.",
            value=usage.memory_bytes,
        )


@lru_cache(maxsize=1)
def _usage_at(_second: int) -> Usage:
    """Cached, because the metrics of each route are collected apart."""
    return tree_usage(os.getpid())


def tree_usage(root: int) -> Usage:
    """Return the usage of a process and its descendants; of those that ended, the CPU time stays counted."""
    stats = dict(_stats())
    ticks, memory = 0, 0
    for process in _descendants(root, stats):
        ticks += sum(map(int, stats[process][_CPU_TIMES]))
        memory += _proportional_bytes(process)
    return Usage(ticks / os.sysconf("SC_CLK_TCK"), memory)


def _stats() -> Iterator[tuple[int, list[str]]]:
    for folder in _PROC.glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text("utf-8", "replace")
        except OSError:  # it ended meanwhile
            continue
        yield int(folder.name), stat.rpartition(")")[2].split()


def _descendants(root: int, stats: Mapping[int, list[str]]) -> Iterator[int]:
    children = defaultdict(list)
    for process, stat in stats.items():
        children[int(stat[_PARENT])].append(process)
    waiting = [root] if root in stats else []
    while waiting:
        process = waiting.pop()
        yield process
        waiting += children[process]


def _proportional_bytes(process: int) -> int:
    """Return the memory of a process, its share of shared pages included; 0 if it ended or may not be read."""
    try:
        rollup = (_PROC / str(process) / "smaps_rollup").read_text("ascii")
    except OSError:
        return 0
    sizes = (line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:"))
    return sum(map(int, sizes)) * _KIB
