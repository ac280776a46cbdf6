"""The tables of the test report: which key arrived by which method; what was killed, when, and what followed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

# The name under which a test records its column: a heading, and for each key whether it arrived equal.
ARRIVED = "arrived"
# The name under which a test records what it killed: a list of records of one shape.
KILLS = "kills"
_KEY_WIDTH = 44


def lines(keys: Sequence[str], columns: Mapping[str, Sequence[bool]]) -> Iterator[str]:
    """Yield the table's lines: a row per key, long keys cut, and characters that do not print escaped."""
    yield " " * _KEY_WIDTH + "".join(f"{heading:>28}" for heading in columns)
    for number, key in enumerate(keys):
        marks = (column[number] for column in columns.values())
        yield f"{ascii(key)[: _KEY_WIDTH - 2]:<{_KEY_WIDTH}}" + "".join(
            f"{'equal' if m else 'DIFFERS':>28}" for m in marks
        )


def kill_lines(kills: Iterable[Mapping[str, object]]) -> Iterator[str]:
    """Yield the table's lines: a row per kill."""
    yield f"{'test':<46}{'seed':>10}{'no':>4}  {'killed':<12}{'when':<34}{'pending':>8}  then"
    for kill in kills:
        yield "{test:<46.45}{seed:>10}{number:>4}  {who:<12}{when:<34}{pending:>8}  {then}".format_map(kill)
