"""What `check` looks at: the scheduler, its machines, and the certificate of this process."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from s3mover.scale.dask_setup import configure_dask
from s3mover.scale.machine_list import machines_of
from s3mover.scale.messages import Machine
from s3mover.scale.reach import ask_scheduler
from s3mover.scale.security import certificate_end, open_security
from s3mover.settings.model import ScaleSettings


@dataclass(frozen=True, slots=True)
class Inspection:
    """The machines that the scheduler knows, and when this process's certificate expires: None without TLS."""

    machines: tuple[Machine, ...]
    certificate_end: datetime | None


def inspect_cluster(scale: ScaleSettings) -> Inspection:
    """Ask the scheduler once.

    Raises:
        SettingsError: a file of the certificate cannot be used.
        UnreachableError: the scheduler cannot be reached.
    """
    configure_dask(lambda _: None, encrypted=bool(scale.certificate_file))
    scheduler = asyncio.run(ask_scheduler(scale, open_security(scale)))
    end = certificate_end(scale) if scale.certificate_file else None
    return Inspection(tuple(machines_of(scheduler).values()), end)
