"""What compares the objects of both sides, for the commands that do."""

from s3mover.app.endpoints import Endpoints
from s3mover.app.factories import filter_of, pair_of
from s3mover.diagnostics.verify import Comparator, byte_comparer, head_reader
from s3mover.diagnostics.verify_properties import property_comparer
from s3mover.settings import Settings


def comparator_of(
    settings: Settings, endpoints: Endpoints, *, deep: bool, properties: bool = False
) -> Comparator:
    """Return what compares objects; `deep` reads bytes where no checksum decides, `properties` compares these, too."""
    source, destination, retry = endpoints.source, endpoints.destination, endpoints.retry
    return Comparator(
        pair_of(settings),
        filter_of(settings),
        head_reader(source, destination, retry),
        byte_comparer(source, destination, retry) if deep else None,
        property_comparer(source, destination, retry) if properties else None,
    )
