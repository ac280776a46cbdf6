"""What Dask logs becomes events, and its configuration is ours."""

import logging
from collections.abc import Iterator

import dask.config
import pytest

from s3mover.events import DaskFailed, DaskWarned, Event
from s3mover.scale import dask_setup
from s3mover.scale.dask_setup import configure_dask


@pytest.fixture
def events() -> Iterator[list[Event]]:
    """The events of a process whose Dask is configured; all is as before afterwards."""
    loggers = [logging.getLogger(name) for name in dask_setup._LOGGERS]
    before = [(logger, logger.handlers, logger.propagate, logger.level) for logger in loggers]
    announced: list[Event] = []
    with dask.config.set({}):
        configure_dask(announced.append, encrypted=True)
        yield announced
    for logger, handlers, propagate, level in before:
        logger.handlers, logger.propagate = handlers, propagate
        logger.setLevel(level)


def test_warnings_and_errors_become_events_once_and_nothing_is_printed(
    events: list[Event], capsys: pytest.CaptureFixture[str]
) -> None:
    logging.getLogger("distributed.scheduler").warning("Worker %s is slow", "one")
    logging.getLogger("distributed.client").warning("odd")
    logging.getLogger("distributed.core").info("of no interest")
    logging.getLogger("asyncio").error("Task failed", exc_info=OSError("cut off"))
    assert events == [
        DaskWarned("distributed.scheduler", "Worker one is slow"),
        DaskWarned("distributed.client", "odd"),
        DaskFailed("asyncio", "Task failed: OSError: cut off"),
    ]
    assert capsys.readouterr() == ("", "")


def test_encryption_is_required_and_no_second_attempt_made_whatever_the_user_has_configured(
    events: list[Event],
) -> None:
    theirs = {"distributed.comm.require-encryption": False, "distributed.scheduler.allowed-failures": 9}
    with dask.config.set(theirs):
        configure_dask(events.append, encrypted=True)
        assert dask.config.get("distributed.comm.require-encryption") is True
        assert dask.config.get("distributed.scheduler.allowed-failures") == 0
        assert dask.config.get("distributed.worker.preload") == []
