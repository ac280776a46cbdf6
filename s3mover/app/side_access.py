"""How the settings say each side is accessed. Small, because it is needed before most modules are loaded."""

from s3mover.model import Side
from s3mover.s3.side_access import SideAccess
from s3mover.settings.model import BucketSettings, Settings


def side_access(side: Side, settings: BucketSettings) -> SideAccess:
    """Return how one side is accessed."""
    return SideAccess(
        side,
        bucket=settings.bucket,
        region=settings.region,
        endpoint_url=settings.endpoint_url,
        addressing=settings.addressing,
        access_key=settings.access_key,
        secret_key=settings.secret_key.value,
        session_token=settings.session_token.value,
        profile=settings.profile,
        role_arn=settings.role_arn,
        external_id=settings.external_id,
    )


def side_accesses(settings: Settings) -> list[SideAccess]:
    """Return how both sides are accessed, the source first."""
    return [side_access(Side.SOURCE, settings.source), side_access(Side.DESTINATION, settings.destination)]
