"""The options of a DSN: each is honoured or refused by its name, none is ignored.

The names are those of go-sql-driver/mysql, with `ssl-mode` and `ssl-ca` of MySQL's own clients; both spellings of a DSN
take all of them. The table of docs/configuration.md says what each does here.
"""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import unquote

from s3mover.audit.dsn_problem import dsn_problem
from s3mover.audit.dsn_tls import TLS_OPTIONS, Tls, tls_of

# No row, with the longest key and message, takes more. Servers have 16 or 64 MiB by default.
SMALLEST_PACKET_BYTES = 64 * 1024

_TRUE = frozenset(("1", "true", "TRUE", "True"))
_FALSE = frozenset(("0", "false", "FALSE", "False"))
_UNITS = {
    name: Decimal(seconds)
    for name, seconds in (("h", 3600), ("m", 60), ("s", 1), ("ms", "1e-3"), ("us", "1e-6"), ("ns", "1e-9"))
}
_DURATION = re.compile(r"(?:\d+(?:\.\d*)?(?:h|ms|m|s|us|ns))+|0", re.ASCII)
_DURATION_PART = re.compile(r"(\d+(?:\.\d*)?)(h|ms|m|s|us|ns)", re.ASCII)
_SAME_TEXT = re.compile(r"utf8(mb3|mb4)?(_\w+)?", re.ASCII)

# Options about how a Go program gets its values and shares its connections: s3mover has nothing that they would change.
GO_ONLY = frozenset(
    (
        "checkConnLiveness",
        "clientFoundRows",
        "columnsWithAlias",
        "interpolateParams",
        "loc",
        "multiStatements",
        "parseTime",
    )
)
# Options that are accepted with the one value that says what s3mover does anyway.
FIXED = {
    "allowAllFiles": False,
    "allowFallbackToPlaintext": False,
    "allowOldPasswords": False,
    "compress": False,
    "rejectReadOnly": True,
}


@dataclass(frozen=True, slots=True)
class MysqlOptions:
    """What the options ask for. Times are in seconds and sizes in bytes; 0: as s3mover sees fit."""

    tls: Tls = Tls.PREFERRED
    ca_file: str = ""
    connect_timeout: int = 0
    read_timeout: int = 0
    write_timeout: int = 0
    largest_packet: int = 0
    native_passwords: bool = True
    cleartext_passwords: bool = False


NO_OPTIONS = MysqlOptions()


def parse_options(text: str) -> MysqlOptions:
    """Parse what stands behind the `?` of a DSN.

    Raises:
        SettingsError: an option is unknown, or its value cannot be honoured; the message holds no value.
    """
    options = _pairs(text)
    tls, ca_file = tls_of({name: value for name, value in options.items() if name in TLS_OPTIONS})
    honoured: dict[str, Any] = {
        _HONOURED[name][0]: _HONOURED[name][1](name, value)
        for name, value in options.items()
        if name in _HONOURED
    }
    for name, value in options.items():
        _require_known(name, value)
    return MysqlOptions(tls, ca_file, **honoured)


def _pairs(text: str) -> dict[str, str]:
    pairs = (option.partition("=") for option in text.split("&") if option)
    options = [(_plain_name(unquote(name)), unquote(value)) for name, _, value in pairs]
    names = [name for name, _ in options]
    for name in names:
        if names.count(name) > 1:
            raise dsn_problem(f"its option {name!r} stands there twice", "expected each option once")
    return dict(options)


def _plain_name(name: str) -> str:
    """Return the name of an option as MySQL's clients spell it: they take `_` for `-`."""
    dashed = name.replace("_", "-")
    return dashed if dashed in TLS_OPTIONS else name


def _require_known(name: str, value: str) -> None:
    if name in FIXED:
        if _boolean(name, value) is not FIXED[name]:
            only = str(FIXED[name]).lower()
            raise dsn_problem(f"its option {name!r} cannot be honoured", f"expected {name}={only}, or none")
    elif name in ("charset", "collation"):
        # s3mover always uses utf8mb4, and compares keys by their bytes.
        if not all(map(_SAME_TEXT.fullmatch, value.split(","))):
            raise dsn_problem(f"its option {name!r} cannot be honoured", "expected utf8mb4, or none")
    elif name not in _HONOURED and name not in GO_ONLY and name not in TLS_OPTIONS:
        known = ", ".join((*TLS_OPTIONS, *_HONOURED))
        raise dsn_problem(f"unsupported option {name!r}", f"expected one of {known}")


def _boolean(name: str, value: str) -> bool:
    if value not in _TRUE | _FALSE:
        raise dsn_problem(f"the value of its option {name!r} is not a boolean", "expected true or false")
    return value in _TRUE


def _duration(name: str, value: str) -> int:
    """Return whole seconds, rounded up: 0 stays 0, and means the default."""
    if not _DURATION.fullmatch(value):
        raise dsn_problem(
            f"the value of its option {name!r} is not a duration", "expected e.g. 30s, or 1m30s"
        )
    parts = [Decimal(number) * _UNITS[unit] for number, unit in _DURATION_PART.findall(value)]
    return math.ceil(sum(parts))


def _size(name: str, value: str) -> int:
    if not re.fullmatch(r"\d{1,10}", value, re.ASCII):
        raise dsn_problem(
            f"the value of its option {name!r} is not a number of bytes", "expected e.g. 16777216"
        )
    if 0 < int(value) < SMALLEST_PACKET_BYTES:
        raise dsn_problem(f"its option {name!r} is too small", f"expected at least {SMALLEST_PACKET_BYTES}")
    return int(value)


_HONOURED: dict[str, tuple[str, Callable[[str, str], int]]] = {
    "timeout": ("connect_timeout", _duration),
    "readTimeout": ("read_timeout", _duration),
    "writeTimeout": ("write_timeout", _duration),
    "maxAllowedPacket": ("largest_packet", _size),
    "allowNativePasswords": ("native_passwords", _boolean),
    "allowCleartextPasswords": ("cleartext_passwords", _boolean),
}
