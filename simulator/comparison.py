"""Descriptions of stored objects as JSON, and the differences between two buckets.

Owner, ETag and date are described but never compared: a correct copy may differ in them.
"""

from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from simulator.store import Properties, StoredObject

Json = dict[str, Any]


def described(one: StoredObject) -> Json:
    """Describe an object: its properties, and `content`, which is equal for equal bytes."""
    held = one.checksum
    return {
        "key": one.key,
        "size": one.content.size,
        "content": one.content.identity,
        "etag": one.etag,
        "modified": one.modified,
        "owner": one.owner,
        "version_id": one.version_id,
        "checksum": asdict(held) if held else None,
        "parts": list(one.part_sizes),
        **_properties_shown(one.properties),
    }


def _properties_shown(told: Properties) -> Json:
    return {
        "headers": dict(told.headers),
        "metadata": dict(told.metadata),
        "tags": dict(told.tags),
        "storage_class": told.storage_class,
        "acl": told.acl,
        "encryption": asdict(told.encryption),
        "lock": asdict(told.lock),
        "redirect": told.redirect,
    }


def compared(
    first: dict[str, StoredObject], second: dict[str, StoredObject], ignoring: frozenset[str]
) -> Iterator[Json]:
    for key in sorted(first.keys() | second.keys()):
        one, two = first.get(key), second.get(key)
        if one is None or two is None:
            yield {"key": key, "field": "extra" if one is None else "missing", "first": None, "second": None}
        else:
            yield from _unequal(key, one, two, ignoring)


def _unequal(key: str, one: StoredObject, two: StoredObject, ignoring: frozenset[str]) -> Iterator[Json]:
    if one.content is not two.content and one.content.identity != two.content.identity:
        yield {"key": key, "field": "content", "first": one.content.identity, "second": two.content.identity}
    if one.properties == two.properties:
        return
    shown, other = _properties_shown(one.properties), _properties_shown(two.properties)
    for name in shown.keys() - ignoring:
        if shown[name] != other[name]:
            yield {"key": key, "field": name, "first": shown[name], "second": other[name]}
