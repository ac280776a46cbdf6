"""An object's tags (S3 API: GetObjectTagging, PutObjectTagging, DeleteObjectTagging)."""

from simulator.access import require_object
from simulator.call import Call
from simulator.headers import check_tags, version_headers
from simulator.operations.lookup import find
from simulator.refusals import Refusal
from simulator.store import StoredObject
from simulator.wire import Reply
from simulator.xml import document, element, parse


def permit_get_tagging(call: Call) -> None:
    """Require the permission to read tags."""
    _permit(call, "Get")


def permit_put_tagging(call: Call) -> None:
    """Require the permission to write tags."""
    _permit(call, "Put")


def permit_delete_tagging(call: Call) -> None:
    """Require the permission to remove tags."""
    _permit(call, "Delete")


def _permit(call: Call, verb: str) -> None:
    if call.quirk("no_tagging"):
        raise Refusal("NotImplemented")
    version = "Version" if call.query("versionId") else ""
    require_object(call, f"s3:{verb}Object{version}Tagging", call.bucket, call.key)


def _found(call: Call) -> StoredObject:
    return find(call, call.bucket, call.key, call.query("versionId"))


def get_object_tagging(call: Call) -> Reply:
    """Show the tags."""
    found = _found(call)
    tags = "".join(
        f"<Tag>{element('Key', name)}{element('Value', value)}</Tag>" for name, value in found.properties.tags
    )
    shown = "" if not tags and call.quirk("no_tag_set") else f"<TagSet>{tags}</TagSet>"
    return Reply(200, version_headers(call, found), document("Tagging", shown))


def put_object_tagging(call: Call) -> Reply:
    """Replace the tags."""
    sets = parse(_bytes(call), "Tagging").all("TagSet")
    if len(sets) != 1:
        raise Refusal("MalformedXML")
    tags = tuple((tag.find("Key") or "", tag.find("Value") or "") for tag in sets[0].all("Tag"))
    check_tags(tags)
    found = _found(call)
    found.retag(tags)
    return Reply(200, version_headers(call, found))


def delete_object_tagging(call: Call) -> Reply:
    """Remove the tags."""
    found = _found(call)
    found.retag(())
    return Reply(204, version_headers(call, found))


def _bytes(call: Call) -> bytes:
    return b"".join(call.body().content.chunks())
