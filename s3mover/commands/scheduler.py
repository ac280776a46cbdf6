"""The `scheduler` command: runs Dask's scheduler."""

import sys

from s3mover.app.config_process import SettingsRequest, read_settings
from s3mover.app.listeners import publisher
from s3mover.errors import ExitCode
from s3mover.lifecycle.deadline import run_until_deadline
from s3mover.lifecycle.signals import stopping_on_signals
from s3mover.lifecycle.stop import Stop
from s3mover.observe.logs import LogListener, configure
from s3mover.scale.extra import require_extra

# A scheduler has nothing to finish: what it knows, supervisor and machines know as well.
GRACE_SECONDS = 1.0


def scheduler(request: SettingsRequest, host: str, port: int) -> ExitCode:
    """Run the scheduler until SIGTERM (exit code 0) or SIGINT (130).

    Raises:
        SettingsError: the settings are invalid, it cannot listen, or the extra is not installed.
    """
    require_extra("scheduler")
    settings = read_settings(request)
    configure(settings.log.level, settings.log.format, sys.stdout)
    from s3mover.scale.scheduler import serve_scheduler  # noqa: PLC0415 - only with the extra

    stop, notify = Stop(), publisher(LogListener())
    with stopping_on_signals(stop, lambda: GRACE_SECONDS):
        run_until_deadline(
            stop, lambda: serve_scheduler(settings.scale, host, port, notify, lambda: stop.requested)
        )
    return ExitCode.INTERRUPTED if stop.reason == "SIGINT" else ExitCode.OK
