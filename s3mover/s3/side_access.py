"""How one side is accessed, and its resolved address and credentials: records only, which load nothing else."""

from collections.abc import Callable
from dataclasses import dataclass, field

from s3mover.model import BucketAddress, Credentials, Side


@dataclass(frozen=True, slots=True)
class SideAccess:
    """How one side is accessed, by the settings; empty fields are resolved as the AWS CLI does.

    `addressing` is `auto`, `path` or `virtual`. `settings` is how messages call the section of the settings; empty: as
    the side is called.
    """

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
    addressing: str = "auto"
    settings: str = ""

    @property
    def label(self) -> str:
        """How messages call it."""
        return self.settings or self.side


@dataclass(frozen=True, slots=True)
class ResolvedSide:
    """The address and the credentials of one side."""

    address: BucketAddress
    credentials: Credentials


ResolveSide = Callable[[SideAccess], ResolvedSide]
