"""The function that Dask calls on a machine. Scheduler and machines import it by this name, so all need s3mover."""

from collections.abc import Callable

Work = Callable[[bytes], bytes]

# One per process: the machine that this process is.
_bound: list[Work] = []


def bind(work: Work) -> None:
    """Run every later task of this process by `work`."""
    _bound[:] = [work]


def execute_task(payload: bytes) -> bytes:
    """Run one task; arguments and results are bytes, which Dask need not unpickle."""
    return _bound[0](payload)
