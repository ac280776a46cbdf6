"""What is asked about one side, and what was found: records alone, because the clerk needs little else of this room."""

from collections.abc import Callable
from dataclasses import dataclass, field

from s3mover.model import BucketAddress, Credentials, Side


@dataclass(frozen=True, slots=True)
class SideAccess:
    """How one side is reached, as the settings have it; what is empty is found as the AWS CLI would find it."""

    side: Side
    bucket: str
    region: str = ""
    endpoint_url: str = ""
    access_key: str = field(default="", repr=False)
    secret_key: str = field(default="", repr=False)
    session_token: str = field(default="", repr=False)
    profile: str = ""
    role_arn: str = ""
    external_id: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class ResolvedSide:
    """What was found for one side."""

    address: BucketAddress
    credentials: Credentials


ResolveSide = Callable[[SideAccess], ResolvedSide]
