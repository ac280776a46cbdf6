"""Parses and writes durations, sizes and shares: `60s`, `64MiB`, `10%`."""

import re
from decimal import Decimal

_SECONDS: dict[str, Decimal | int] = {"ms": Decimal("0.001"), "s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES: dict[str, int] = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
# Fifteen digits are exact as a float and keep every result finite.
_NUMBER = r"(\d{1,15}(?:\.\d{1,6})?)"
_ONE_DURATION = re.compile(_NUMBER + r"(ms|s|m|h|d)", re.ASCII)
_DURATION = re.compile(f"(?:{_ONE_DURATION.pattern})+", re.ASCII)
_SIZE = re.compile(_NUMBER + r" ?([kKMGT]?i?B)", re.ASCII)
_SHARE = re.compile(r"(\d{1,3}(?:\.\d{1,6})?) ?%", re.ASCII)
_PLAIN = re.compile(r"\d{1,15}", re.ASCII)
_HUNDRED_YEARS = 36_500 * 86_400.0  # well short of the longest wait that a lock takes
_PLAIN_ZERO = re.compile(r"0(?:\.0+)?", re.ASCII)
# The texts that are accepted, for schemas.
DURATION_PATTERN = f"^({_PLAIN_ZERO.pattern}|{_DURATION.pattern})$"
SHARE_PATTERN = f"^({_PLAIN_ZERO.pattern}|{_SHARE.pattern})$"
SIZE_PATTERN = f"^({_PLAIN.pattern}|{_NUMBER} ?({'|'.join(_BYTES)}))$"


def parse_duration(text: str) -> float:
    """Return the seconds that `500ms`, `60s`, `5m`, `24h`, `7d`, `1h30m` or `0` stand for.

    Raises:
        ValueError: `text` is not a duration; the message continues a sentence that begins with the text.
    """
    text = text.strip()
    if _PLAIN_ZERO.fullmatch(text):
        return 0.0
    if _DURATION.fullmatch(text):
        parts = (Decimal(number) * _SECONDS[unit] for number, unit in _ONE_DURATION.findall(text))
        return _bounded(float(sum(parts)))
    raise ValueError("has no unit" if re.fullmatch(_NUMBER, text) else "is not a duration")


def parse_size(text: str) -> int:
    """Return the bytes that `64MiB`, `10MB`, `1.5GiB` or `67108864` stand for.

    Raises:
        ValueError: `text` is not a size; the message continues a sentence that begins with the text.
    """
    text = text.strip()
    if _PLAIN.fullmatch(text):
        return int(text)
    match = _SIZE.fullmatch(text)
    if match is None or match[2] not in _BYTES:
        raise ValueError("is not a size")
    return int(Decimal(match[1]) * _BYTES[match[2]])


def parse_share(text: str) -> float:
    """Return the fraction that `10%` or `0.5%` stands for.

    Raises:
        ValueError: `text` is not a percentage; the message continues a sentence that begins with the text.
    """
    text = text.strip()
    if _PLAIN_ZERO.fullmatch(text):
        return 0.0
    match = _SHARE.fullmatch(text)
    if match is None:
        raise ValueError("is not a percentage")
    return float(Decimal(match[1]) / 100)


def write_duration(seconds: float) -> str:
    """Write seconds in the largest unit of which there are at least two, so that 60 stays `60s`."""
    if seconds != int(seconds):
        return f"{seconds * 1000:g}ms"
    for unit in ("d", "h", "m"):
        if seconds >= 2 * _SECONDS[unit] and seconds % int(_SECONDS[unit]) == 0:
            return f"{int(seconds) // int(_SECONDS[unit])}{unit}"
    return f"{int(seconds)}s"


def write_size(size: int) -> str:
    """Write bytes in the largest binary unit that divides them, else in the largest decimal one."""
    for unit in ("TiB", "GiB", "MiB", "KiB", "TB", "GB", "MB", "kB"):
        if size and size % _BYTES[unit] == 0:
            return f"{size // _BYTES[unit]}{unit}"
    return str(size)


def write_share(share: float) -> str:
    """Write a fraction as a percentage."""
    return f"{100 * share:g}%"


def _bounded(seconds: float) -> float:
    if seconds > _HUNDRED_YEARS:
        raise ValueError("is longer than a hundred years")
    return seconds
