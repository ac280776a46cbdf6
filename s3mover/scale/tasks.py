"""What travels over Dask: a range that a machine is to work on, and what became of it. Both travel as JSON bytes.

Neither holds a secret or says what is to be done with an object: a machine has the settings and secrets of the
supervisor mounted, and refuses a task if its version or its settings differ.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from s3mover.errors import MoverError
from s3mover.model import Action, Method, Outcome, Status, Tally

# Failures that an answer carries for the summary; all of them stand in the trail.
FAILURES_SENT = 20

_Read = Callable[[Any], Any]

_KEY = re.compile(r"range-(?P<route>.*)-(?P<sweep>[0-9]{1,20})-(?P<number>[0-9]{1,20})-[0-9]+", re.DOTALL)


class TaskFormatError(MoverError):
    """Bytes that are neither a task nor an answer."""


class OtherVersionError(MoverError):
    """A task of another version of s3mover, whose meaning may differ."""


class AnswerStatus(StrEnum):
    """How the work on a range ended.

    `INTERRUPTED` hands the rest back. `LOST`: another run of the range has taken its place, or had begun before.
    `REFUSED`: the machine differs from the supervisor, so nothing was done.
    """

    COMPLETED = "completed"
    FAILED = "failed"
    INTERRUPTED = "interrupted"
    LOST = "lost"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class RangeTask:
    """One range of a sweep: the keys of the source after `after`, up to and including `until` (None: to the end).

    `token` fences the range, `lease_token` and `lease_holder` name the lease under which the sweep runs.
    `requests_per_second` and `bandwidth` are this range's shares of the user's bounds; 0 for none. Earlier runs have
    handed the range back from `after` on, and have listed `listed_before` objects before.
    """

    version: str
    route: str
    sweep: int
    number: int
    token: int
    after: str
    until: str | None
    lease_holder: str
    lease_token: int
    settings_digest: str
    requests_per_second: float = 0.0
    bandwidth: float = 0.0
    listed_before: int = 0

    @property
    def key(self) -> str:
        """The name of this attempt, which no other task has."""
        return f"range-{self.route}-{self.sweep}-{self.number}-{self.token}"


class RangeName(NamedTuple):
    """Which range a task is about."""

    route: str
    sweep: int
    number: int


@dataclass(frozen=True, slots=True)
class RangeAnswer:
    """What became of a range.

    Of one that is handed back the rest follows the key `rest_after` (None: where the run began), and `listed` objects
    come before it. `failures` are the latest few, `skipped`, `fallbacks` and `unkept` count by reason; `machine` is the
    one that answers.
    """

    status: AnswerStatus
    message: str = ""
    code: str = ""
    rest_after: str | None = None
    listed: int = 0
    tally: Tally = field(default_factory=Tally)
    skipped: Mapping[str, int] = field(default_factory=dict)
    fallbacks: Mapping[str, int] = field(default_factory=dict)
    unkept: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[Outcome, ...] = ()
    machine: str = ""


def range_of(key: str) -> RangeName | None:
    """Return the range that the key of a task names; None for a task of another program."""
    match = _KEY.fullmatch(key)
    return RangeName(match["route"], int(match["sweep"]), int(match["number"])) if match else None


def dump_task(task: RangeTask) -> bytes:
    """Return a task as bytes.

    Raises:
        TaskFormatError: a key is not UTF-8, so that no object can have it.
    """
    return _dumped(asdict(task))


def dump_answer(answer: RangeAnswer) -> bytes:
    """Return an answer as bytes, with the latest `FAILURES_SENT` of its failures."""
    return _dumped(
        asdict(answer) | {"failures": [list(outcome) for outcome in answer.failures[-FAILURES_SENT:]]}
    )


def load_task(payload: bytes, version: str) -> RangeTask:
    """Return the task that `dump_task` wrote.

    Raises:
        OtherVersionError: a supervisor of another version than `version` wrote it.
        TaskFormatError: it is not a task.
    """
    given = _loaded(payload, "a task")
    theirs = _field(given, "version", _text)
    if theirs != version:
        raise OtherVersionError(
            f"this machine runs s3mover {version}, the supervisor {theirs}; run the same image on both"
        )
    return RangeTask(**_fields(given, _TASK))


def load_answer(payload: bytes) -> RangeAnswer:
    """Return the answer that `dump_answer` wrote.

    Raises:
        TaskFormatError: it is not an answer.
    """
    return RangeAnswer(**_fields(_loaded(payload, "an answer"), _ANSWER))


def _dumped(value: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise TaskFormatError(f"cannot be sent to another machine: {error}") from error


def _loaded(payload: bytes, what: str) -> dict[str, Any]:
    try:
        value = orjson.loads(payload)
    except orjson.JSONDecodeError as error:
        raise TaskFormatError(f"expected {what} as JSON, got {len(payload)} bytes: {error}") from error
    if not isinstance(value, dict):
        raise TaskFormatError(f"expected {what} as a JSON object, got another JSON value")
    return value


def _fields(given: Mapping[str, Any], readers: Mapping[str, _Read]) -> dict[str, Any]:
    return {name: _field(given, name, read) for name, read in readers.items()}


def _field(given: Mapping[str, Any], name: str, read: _Read) -> Any:
    if name not in given:
        raise TaskFormatError(f"{name}: is missing")
    try:
        return read(given[name])
    except TaskFormatError as error:
        raise TaskFormatError(f"{name}.{error}") from error
    except (TypeError, ValueError) as error:
        raise TaskFormatError(f"{name}: {error}") from error


def _exactly(*types: type) -> _Read:
    """Return a reader that accepts these types only: `True` is not a number, a number not a text."""

    def read(value: object) -> object:
        if type(value) not in types:
            raise TypeError(f"expected {types[0].__name__}, got {type(value).__name__}")
        return value

    return read


def _count(value: object) -> int:
    if type(value) is not int or value < 0:
        raise ValueError("expected an integer, at least 0")
    return value


def _counts(value: object) -> dict[str, int]:
    return {name: _count(count) for name, count in _mapping(value).items()}


def _tally(value: object) -> Tally:
    return Tally(**_fields(_mapping(value), dict.fromkeys(Tally.__match_args__, _count)))


def _failures(value: object) -> tuple[Outcome, ...]:
    return tuple(map(_outcome, _list(value)))


def _outcome(value: object) -> Outcome:
    values: Sequence[Any] = _list(value)
    read = zip(_OUTCOME, values, strict=True)
    return Outcome(*(reader(one) for reader, one in read))


def _optional(read: _Read) -> _Read:
    return lambda value: None if value is None else read(value)


_text, _mapping, _list, _flag = _exactly(str), _exactly(dict), _exactly(list), _exactly(bool)
_number = _exactly(float, int)

_TASK: Mapping[str, _Read] = {
    "version": _text,
    "route": _text,
    "sweep": _count,
    "number": _count,
    "token": _count,
    "after": _text,
    "until": _optional(_text),
    "lease_holder": _text,
    "lease_token": _count,
    "settings_digest": _text,
    "requests_per_second": _number,
    "bandwidth": _number,
    "listed_before": _count,
}
_ANSWER: Mapping[str, _Read] = {
    "status": AnswerStatus,
    "message": _text,
    "code": _text,
    "rest_after": _optional(_text),
    "listed": _count,
    "tally": _tally,
    "skipped": _counts,
    "fallbacks": _counts,
    "unkept": _counts,
    "failures": _failures,
    "machine": _text,
}
# In the order of the record.
_OUTCOME: Sequence[_Read] = (
    _count,  # sweep
    _count,  # number
    _text,  # key
    _count,  # size
    Status,
    _optional(Method),
    _number,  # moved_at
    _count,  # duration_us
    _count,  # attempts
    _text,  # source_etag
    _text,  # destination_etag
    _text,  # code
    _text,  # message
    _text,  # fallback
    _flag,  # delete_due
    lambda value: tuple(map(_text, _list(value))),  # unkept
    Action,
)
