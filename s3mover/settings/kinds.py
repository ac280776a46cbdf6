"""The kinds of values that settings have: how each is read from text, written as text, and described.

A kind is an annotated type; its `Kind` says in words what is expected, for error messages and documentation. The rest
of the annotation is pydantic's: only the process that reads the settings comes here.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, GetPydanticSchema, PlainValidator

from s3mover.settings import shapes
from s3mover.settings.secret import Secret
from s3mover.settings.units import parse_duration, parse_size, write_duration, write_size
from s3mover.settings.windows import read_windows, write_windows
from s3mover.settings.yamltext import read_list
from s3mover.windows import Window


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value is expected to be, in words, how it is written as text, and whether messages must not show it.

    In a file a `structured` value may be a list of mappings.
    """

    expected: str
    write: Callable[[Any], str] = str
    secret: bool = False
    structured: bool = False


def _from_text(parse: Callable[[str], object]) -> BeforeValidator:
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


def _shown(secret: Secret) -> str:
    return secret.value


def _requester(value: object) -> object:
    return {"true": "requester", "false": ""}.get(str(value).lower(), value)


def _words(values: tuple[str, ...]) -> str:
    return "[" + ", ".join(values) + "]"


# A record of ours comes from a text, which is checked as one before.
_AS_TEXT = GetPydanticSchema(lambda _, handler: handler(str))

Duration = Annotated[
    float,
    _from_text(parse_duration),
    Field(ge=0, allow_inf_nan=False),
    Kind("a number with a unit such as 500ms, 60s, 5m, 24h or 7d, or plain 0", write_duration),
]
Size = Annotated[
    int, _from_text(parse_size), Kind("a number with a unit such as 64MiB, 10MB or 5GiB", write_size)
]
Globs = Annotated[
    tuple[Annotated[str, Field(min_length=1)], ...],
    _from_text(read_list),
    Kind('globs with commas between them, or a list such as ["*.pdf", "hr/*"]', _words),
]
Windows = Annotated[
    tuple[Window, ...],
    PlainValidator(read_windows),
    Kind(
        'windows such as [{days: mon-fri, hours: "22:00-06:00", time_zone: Europe/Berlin}]',
        write_windows,
        structured=True,
    ),
]
Lowered = _from_text(str.lower)

Text = Annotated[str, AfterValidator(shapes.one_line), Kind("one line of text")]
Bucket = Annotated[
    str,
    AfterValidator(shapes.bucket),
    Kind("3 to 63 letters, digits, dots, hyphens or underscores, or the ARN of an access point"),
]
KeyPrefix = Annotated[
    str, AfterValidator(shapes.key_prefix), Kind("the beginning of a key, up to 1,024 bytes of UTF-8")
]
Region = Annotated[
    str, AfterValidator(shapes.matches(r"[\w.-]+", "region's name")), Kind("a name such as eu-central-1")
]
EndpointUrl = Annotated[
    str,
    AfterValidator(shapes.endpoint_url),
    Kind("scheme, host and port only, such as https://minio.example.com:9000"),
]
AccountId = Annotated[
    str,
    AfterValidator(shapes.matches(r"[0-9]{12}", "account number")),
    Kind("12 digits such as 123456789012"),
]
RoleArn = Annotated[
    str, AfterValidator(shapes.role_arn), Kind("an ARN such as arn:aws:iam::123456789012:role/s3mover")
]
Token = Annotated[
    str,
    AfterValidator(shapes.matches(r"[!-~]+", "single word")),
    Kind("one word of ASCII without white space"),
]
AccessKey = Annotated[
    str,
    AfterValidator(shapes.matches(r"[!-~]+", "single word")),
    Kind(
        "an access key id such as AKIAIOSFODNN7EXAMPLE", secret=True
    ),  # the secret key may stand there by mistake
]
StorageClass = Annotated[
    str,
    AfterValidator(shapes.matches(r"[A-Z0-9_]+", "storage class")),
    Kind("a name in capitals such as STANDARD_IA or GLACIER_IR"),
]
Host = Annotated[
    str,
    AfterValidator(shapes.matches(r"[\w.:-]+", "address")),
    Kind("an address or host name such as 127.0.0.1, 0.0.0.0 or ::"),
]
Directory = Annotated[Path, Kind("a directory's path")]
SecretText = Annotated[
    Secret,
    _AS_TEXT,
    AfterValidator(shapes.one_line),
    AfterValidator(Secret),
    Kind("one line of text", _shown, secret=True),
]
DatabaseUrl = Annotated[
    Secret,
    _AS_TEXT,
    AfterValidator(shapes.database_url),
    AfterValidator(Secret),
    Kind(
        "sqlite:///FILE, mysql://USER:PASSWORD@HOST:PORT/NAME (percent-encode what is special in the password), "
        "USER:PASSWORD@tcp(HOST:PORT)/NAME or USER:PASSWORD@unix(/SOCKET)/NAME",
        _shown,
        secret=True,
    ),
]
SocketPath = Annotated[
    str,
    AfterValidator(shapes.socket_path),
    Kind("a path of at most 90 bytes, such as /run/s3mover/control.sock, or none"),
]
RequesterPays = BeforeValidator(_requester)
