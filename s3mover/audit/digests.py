"""Digests of fixed length that identify pairs and keys of any length, in locks and rows."""

import hashlib
from collections.abc import Sequence

from s3mover.model import Pair

_BYTES = 8


def pair_digest(pair: Pair) -> str:
    """Return the 64 hexadecimal digits that stand for `pair` in the table of leases."""
    return hashlib.sha256("\0".join(pair).encode()).hexdigest()


def schema_lock_name(database: str) -> str:
    """Return the name of the lock on the schema of `database`.

    MySQL's named locks belong to the whole server, so the database is part of the name; they have at most 64
    characters (MySQL Reference Manual, "Locking Functions"), so it is a digest.
    """
    return f"s3mover:{hashlib.sha256(database.encode()).hexdigest()[:32]}"


def pair_hash(pair: Pair) -> int:
    """Return the number, within a signed 64-bit column, that stands for `pair`."""
    return _number("\0".join(pair))


def key_hashes(keys: Sequence[str]) -> list[int]:
    """Return the number that stands for each key; a key may hold what the command line could not decode."""
    return [_number(key) for key in keys]


def _number(text: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=_BYTES).digest()
    return int.from_bytes(digest, "big", signed=True)
