"""What each store was seen not to keep or not to do; `docs/stores.md` says the same, and a test holds both together."""

from collections.abc import Mapping

from tests.stores.corpus import STORAGE_CLASS, TAGS

# The properties that a store drops from a plain PutObject of boto3 and from a multipart upload, without a word.
NOT_KEPT: Mapping[str, frozenset[str]] = {
    "juicefs": frozenset({"ContentEncoding", "ContentLanguage", "Expires", "WebsiteRedirectLocation"}),
    "ministack": frozenset(),
    "moto": frozenset(),
    # Its listings say STANDARD of every object.
    "rclone": frozenset({"Expires", TAGS, STORAGE_CLASS}),
    "seaweedfs": frozenset({"WebsiteRedirectLocation"}),
}
# The properties that a store refuses: s3mover leaves them out and says so in the object's row.
REFUSED: Mapping[str, frozenset[str]] = {"juicefs": frozenset({STORAGE_CLASS})}
# The properties that a store drops from a multipart upload only.
NOT_KEPT_IN_PARTS: Mapping[str, frozenset[str]] = {"ministack": frozenset({TAGS})}
# User metadata that a store adds to a copy that it makes itself.
ADDED_METADATA: Mapping[str, frozenset[str]] = {"rclone": frozenset({"mtime"})}
# The stores that honour If-Match of DeleteObject: only there is a source object ever deleted.
CONDITIONAL_DELETE = frozenset({"ministack", "moto", "seaweedfs"})
# The stores that list in the order of directories: `data/x` before `data.csv`.
DIRECTORY_ORDER = frozenset({"seaweedfs"})


def lost_in(store: str, *, in_parts: bool = False) -> frozenset[str]:
    """Return the properties that an object in this store does not have, written whole or in parts."""
    lost = NOT_KEPT[store] | REFUSED.get(store, frozenset())
    return lost | NOT_KEPT_IN_PARTS.get(store, frozenset()) if in_parts else lost
