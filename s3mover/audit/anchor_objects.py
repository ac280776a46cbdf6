"""The objects in which `audit.anchor` holds seals: their keys and contents. Pure.

A key names the pair by the beginning of its digest, the number of the seal, and its hash: two chains that went apart,
as after a restored backup, never write to the same key.
"""

import re
from typing import NamedTuple

from s3mover.audit.digests import pair_digest
from s3mover.audit.seals import Seal
from s3mover.model import Pair

_DIGEST_CHARACTERS = 16
_NAME = re.compile(r"(\d{12})-([0-9a-f]{64})\.seal")


class AnchorPlace(NamedTuple):
    """The bucket and the prefix of an anchor; the prefix is empty or ends in `/`."""

    bucket: str
    prefix: str


class AnchoredSeal(NamedTuple):
    """A seal as the name of its object says; `written_at` is the store's time, as it lists it."""

    number: int
    hash: str
    written_at: str


def place_of(url: str) -> AnchorPlace:
    """Return what `audit.anchor` names."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    return AnchorPlace(bucket, f"{prefix.rstrip('/')}/" if prefix.strip("/") else "")


def folder_of(place: AnchorPlace, pair: Pair) -> str:
    """Return the prefix of all seals of a pair."""
    return f"{place.prefix}{pair_digest(pair)[:_DIGEST_CHARACTERS]}/"


def key_of(place: AnchorPlace, seal: Seal) -> str:
    """Return the key of the object that holds a seal."""
    return f"{folder_of(place, seal.pair)}{seal.number:012}-{seal.hash}.seal"


def body_of(seal: Seal) -> bytes:
    """Return the content of that object: the text of the seal, and its signature, a line each."""
    return f"{seal.content}\n{seal.signature}\n".encode()


def anchored_seal(key: str, written_at: str) -> AnchoredSeal | None:
    """Return the seal that an object holds by its key; None for an object of another kind."""
    name = _NAME.fullmatch(key.rpartition("/")[2])
    return AnchoredSeal(int(name[1]), name[2], written_at) if name else None
