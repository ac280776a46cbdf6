"""The `certificates` command: makes a certificate authority and the certificates of a cluster."""

from datetime import UTC, datetime
from pathlib import Path

from s3mover.commands.each_route import Echo
from s3mover.errors import ExitCode
from s3mover.observe.text import visible
from s3mover.scale.extra import require_extra


def certificates(directory: Path, echo: Echo) -> ExitCode:
    """Write the certificates into `directory`, and print what was written.

    Raises:
        SettingsError: a file is there already or cannot be written, or the extra is not installed.
    """
    require_extra("certificates")
    from s3mover.scale.certificates import DAYS, write_certificates  # noqa: PLC0415 - only with the extra

    for path in write_certificates(directory, datetime.now(UTC)):
        echo(visible(str(path)))
    echo(f"valid for {DAYS} days; whoever holds a key of these can run code on every machine of the cluster")
    return ExitCode.OK
