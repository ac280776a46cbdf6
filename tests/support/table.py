"""The table of the test report that shows which key arrived by which way, small and in parts."""

from collections.abc import Iterator, Mapping, Sequence

# The name under which a test records its column: a heading, and for each key whether it arrived equal.
ARRIVED = "arrived"
_KEY_WIDTH = 44


def lines(keys: Sequence[str], columns: Mapping[str, Sequence[bool]]) -> Iterator[str]:
    """Yield the table's lines: a row per key, long keys cut, and characters that do not print escaped."""
    yield " " * _KEY_WIDTH + "".join(f"{heading:>28}" for heading in columns)
    for number, key in enumerate(keys):
        marks = (column[number] for column in columns.values())
        yield f"{ascii(key)[: _KEY_WIDTH - 2]:<{_KEY_WIDTH}}" + "".join(
            f"{'equal' if m else 'DIFFERS':>28}" for m in marks
        )
