"""The types of settings: how each is parsed from text, written as text, and described.

A type is annotated: its `ValueType` says what is expected, for error messages and documentation; the other annotations
are pydantic's. Only the process that reads the settings imports this module.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetPydanticSchema, PlainValidator

from s3mover.costs.money import MONEY_PATTERN, parse_money, write_money
from s3mover.settings import validators
from s3mover.settings.secret import Secret
from s3mover.settings.units import (
    DURATION_PATTERN,
    SHARE_PATTERN,
    SIZE_PATTERN,
    parse_duration,
    parse_share,
    parse_size,
    write_duration,
    write_share,
    write_size,
)
from s3mover.settings.windows import read_windows, write_windows
from s3mover.settings.yamltext import read_list
from s3mover.windows import Window


@dataclass(frozen=True, slots=True)
class ValueType:
    """What is expected of a value, how it is written as text, and whether it is a secret that messages must not show.

    In a file a `structured` value may be a list of mappings. `pattern` is the regular expression of its texts, for
    schemas; empty where any text may be one.
    """

    expected: str
    write: Callable[[Any], str] = str
    secret: bool = False
    structured: bool = False
    pattern: str = ""


def _from_text(parse: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _shown(secret: Secret) -> str:
    return secret.value


def _requester(value: object) -> object:
    return {"true": "requester", "false": ""}.get(str(value).lower(), value)


def _words(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(values) + "]"


# A record of ours is made from a text, which is validated as one first.
_AS_TEXT = GetPydanticSchema(lambda _, handler: handler(str))

Duration = Annotated[
    float,
    _from_text(parse_duration),
    Field(ge=0, allow_inf_nan=False),
    ValueType(
        "a number with a unit such as 500ms, 60s, 5m, 24h or 7d, or plain 0",
        write_duration,
        pattern=DURATION_PATTERN,
    ),
]
Size = Annotated[
    int,
    _from_text(parse_size),
    ValueType("a number with a unit such as 64MiB, 10MB or 5GiB", write_size, pattern=SIZE_PATTERN),
]
Share = Annotated[
    float,
    _from_text(parse_share),
    Field(ge=0, le=1),
    ValueType("a percentage such as 10% or 0.5%", write_share, pattern=SHARE_PATTERN),
]
Money = Annotated[
    int,
    _from_text(parse_money),
    Field(ge=0),
    ValueType("an amount of US dollars such as 5 or 2.50", write_money, pattern=MONEY_PATTERN),
]
Globs = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    _from_text(read_list),
    ValueType('globs with commas between them, or a list such as ["*.pdf", "hr/*"]', _words),
]
Windows = Annotated[
    tuple[Window, ...],
    PlainValidator(read_windows),
    ValueType(
        'windows such as [{days: mon-fri, hours: "22:00-06:00", time_zone: Europe/Berlin}]',
        write_windows,
        structured=True,
    ),
]
Lowered = _from_text(str.lower)

Text = Annotated[str, AfterValidator(validators.one_line), ValueType("one line of text")]
Bucket = Annotated[
    str,
    AfterValidator(validators.bucket),
    ValueType("3 to 63 letters, digits, dots, hyphens or underscores, or the ARN of an access point"),
]
KeyPrefix = Annotated[
    str,
    AfterValidator(validators.key_prefix),
    ValueType("the beginning of a key, up to 1,024 bytes of UTF-8"),
]
Region = Annotated[
    str,
    AfterValidator(validators.matches(r"[\w.-]+", "a region name")),
    ValueType("a name such as eu-central-1"),
]
EndpointUrl = Annotated[
    str,
    AfterValidator(validators.endpoint_url),
    ValueType("scheme, host and port only, such as https://minio.example.com:9000"),
]
QueueName = Annotated[
    str,
    AfterValidator(validators.queue_name),
    ValueType(
        "a URL such as https://sqs.eu-central-1.amazonaws.com/123456789012/events, or the ARN of a queue"
    ),
]
AccountId = Annotated[
    str,
    AfterValidator(validators.matches(r"[0-9]{12}", "an account number")),
    ValueType("12 digits such as 123456789012", pattern="^[0-9]{12}$"),
]
RoleArn = Annotated[
    str,
    AfterValidator(validators.role_arn),
    ValueType("an ARN such as arn:aws:iam::123456789012:role/s3mover"),
]
Token = Annotated[
    str,
    AfterValidator(validators.matches(r"[!-~]+", "a single word")),
    ValueType("one word of ASCII without white space"),
]
AccessKey = Annotated[
    str,
    AfterValidator(validators.matches(r"[!-~]+", "a single word")),
    ValueType(
        "an access key id such as AKIAIOSFODNN7EXAMPLE", secret=True
    ),  # the secret key may stand there by mistake
]
StorageClass = Annotated[
    str,
    AfterValidator(validators.matches(r"[A-Z0-9_]+", "a storage class")),
    ValueType("a name in capitals such as STANDARD_IA or GLACIER_IR"),
]
Host = Annotated[
    str,
    AfterValidator(validators.matches(r"[\w.:-]+", "an address")),
    ValueType("an address or host name such as 127.0.0.1, 0.0.0.0 or ::"),
]
LabelName = Annotated[
    str,
    AfterValidator(
        validators.matches(r"(?:[a-z0-9.-]{1,253}/)?[A-Za-z0-9](?:[\w.-]{0,61}[A-Za-z0-9])?", "a label")
    ),
    ValueType("the name of a label such as s3mover.io/leader"),
]
Directory = Annotated[Path, ValueType("a directory's path")]
AnchorUrl = Annotated[
    str, AfterValidator(validators.s3_url), ValueType("an address such as s3://seals/s3mover")
]
FilePath = Annotated[str, AfterValidator(validators.one_line), ValueType("a file's path")]
SchedulerAddress = Annotated[
    str,
    AfterValidator(validators.scheduler_address),
    ValueType("an address such as tls://scheduler:8786, or tcp:// on loopback"),
]
SecretText = Annotated[
    Secret,
    _AS_TEXT,
    AfterValidator(validators.one_line),
    AfterValidator(Secret),
    ValueType("one line of text", _shown, secret=True),
]
DatabaseUrl = Annotated[
    Secret,
    _AS_TEXT,
    AfterValidator(validators.database_url),
    AfterValidator(Secret),
    ValueType(
        "sqlite:///FILE, mysql://USER:PASSWORD@HOST:PORT/NAME (percent-encode what is special in the password), "
        "USER:PASSWORD@tcp(HOST:PORT)/NAME or USER:PASSWORD@unix(/SOCKET)/NAME",
        _shown,
        secret=True,
    ),
]
SocketPath = Annotated[
    str,
    AfterValidator(validators.socket_path),
    ValueType("a path of at most 90 bytes, such as /run/s3mover/control.sock, or none"),
]
RequesterPays = BeforeValidator(_requester)
