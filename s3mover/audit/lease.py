"""The name of the lease on a pair of buckets: the same for every instance that would work on the same pair."""

import hashlib

from s3mover.model import Pair


def lease_name(pair: Pair, database: str) -> str:
    """Return the lock's name for `pair` in `database`.

    MySQL's named locks belong to the whole server, so the database is part of the name; they have at most 64
    characters (MySQL Reference Manual, "Locking Functions"), so the rest is a digest.
    """
    text = "\0".join((*pair, database))
    return f"s3mover:{hashlib.sha256(text.encode()).hexdigest()[:32]}"
