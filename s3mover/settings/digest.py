"""The digest of a route's settings, by which two machines find that they would not do the same work.

It holds a hash of each setting that decides what is moved, whereto and how, so that a difference can be named. Secrets,
and settings that may differ from machine to machine (credentials, threads, intervals), are not in it. Nor are those of
events, which the supervisor works off by itself.
"""

from hashlib import blake2b

from s3mover.settings.model import Settings
from s3mover.settings.names import setting_names, value_of

_HASH_BYTES = 6
_EXEMPT = frozenset(
    {f"{side}.{field}" for side in ("source", "destination") for field in (
        "access_key", "secret_key", "session_token", "profile", "role_arn", "external_id", "region", "addressing",
    )}
    | {f"transfer.{field}" for field in ("threads", "processes", "timeout", "requests_per_second", "bandwidth")}
)  # fmt: skip
_SECTIONS = ("source", "destination", "transfer", "filter")


def settings_digest(settings: Settings) -> str:
    """Return the digest of the settings of one route, as one line of ASCII."""
    return " ".join(f"{name}={_hash(value_of(settings, name))}" for name in _covered())


def differing_settings(digest: str, other: str) -> list[str]:
    """Return the names of the settings in which two digests differ, in alphabetical order."""
    pairs = set(digest.split()) ^ set(other.split())
    return sorted({pair.partition("=")[0] for pair in pairs})


def _covered() -> list[str]:
    return [
        name
        for name in setting_names()
        if name.partition(".")[0] in _SECTIONS
        and name not in _EXEMPT
        and not name.startswith("source.events.")
    ]


def _hash(value: object) -> str:
    return blake2b(repr(value).encode(errors="surrogatepass"), digest_size=_HASH_BYTES).hexdigest()
