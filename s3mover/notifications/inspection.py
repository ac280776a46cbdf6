"""Client of the process that inspects a queue and the bucket's notifications, which loads boto3's core for a moment."""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass, field

from s3mover.errors import UnreachableError
from s3mover.notifications.messages import ReceiverConfig, config_fields
from s3mover.s3.side_access import SideAccess

COMMAND = [sys.executable, "-m", "s3mover.notifications.inspection_main"]
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Inspection:
    """What was found of a queue that can be received from.

    `queues` are those that the bucket notifies, by ARN, with the events; `topics` is the number of SNS topics, and
    `bridge` whether EventBridge gets the events. `refused` says why the bucket's notifications cannot be read.
    """

    arn: str
    dead_letters: bool
    queues: dict[str, list[str]] = field(default_factory=dict)
    topics: int = 0
    bridge: bool = False
    refused: str = ""


def inspect(config: ReceiverConfig, source: SideAccess) -> Inspection:
    """Return what is found, with the credentials of the queue, and for the bucket with those of the source.

    Raises:
        UnreachableError: the queue cannot be received from.
    """
    request = json.dumps({"config": config_fields(config), "source": asdict(source)})
    try:
        done = subprocess.run(  # noqa: S603 - our own module
            COMMAND, input=request, stdout=subprocess.PIPE, text=True, timeout=TIMEOUT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise UnreachableError(
            f"source.events.queue {config.queue}: no answer in {TIMEOUT_SECONDS:g} s; check the network and "
            "source.events.endpoint_url"
        ) from None
    if done.returncode:
        raise UnreachableError(f"the process that inspects the queue ended with {done.returncode}")
    found = json.loads(done.stdout)
    if "error" in found:
        raise UnreachableError(found["error"])
    return Inspection(**found)
