"""How the settings say each side is accessed. Small, because it is needed before most modules are loaded."""

from s3mover.model import Side
from s3mover.s3.side_access import SideAccess
from s3mover.settings.model import AnchorAccessSettings, BucketSettings, Settings


def side_access(side: Side, settings: BucketSettings) -> SideAccess:
    """Return how one side is accessed."""
    return access_of(side, settings.bucket, settings)


def access_of(
    side: Side, bucket: str, access: BucketSettings | AnchorAccessSettings, settings: str = ""
) -> SideAccess:
    """Return how a bucket is accessed; `settings` is the section that says it, empty where it is that of the side."""
    return SideAccess(
        side,
        bucket=bucket,
        region=access.region,
        endpoint_url=access.endpoint_url,
        addressing=access.addressing,
        access_key=access.access_key,
        secret_key=access.secret_key.value,
        session_token=access.session_token.value,
        profile=access.profile,
        role_arn=access.role_arn,
        external_id=access.external_id,
        settings=settings,
    )


def side_accesses(settings: Settings) -> list[SideAccess]:
    """Return how both sides are accessed, the source first."""
    return [side_access(Side.SOURCE, settings.source), side_access(Side.DESTINATION, settings.destination)]
