"""The text of a seal, and what is refused in its place."""

import json
from typing import Any

import pytest

from s3mover.audit.seals import (
    NO_SEAL,
    Change,
    SealContext,
    SealedRows,
    SealFormatError,
    SealKind,
    content_of,
    hash_of,
    parse_seal,
)
from tests.audit.samples import PAIR

ROOT = "ab" * 32
CONTEXT = SealContext(
    PAIR, 3, NO_SEAL, "2025-01-04 03:17:32.000000", {"status": "completed", "summary_file": "é"}
)
CONTENT = content_of(SealedRows(SealKind.AMENDMENT, 7, 1, ROOT, [Change(2, ROOT, ROOT)]), CONTEXT)


def test_the_text_is_canonical_json() -> None:
    """Sorted, without white space, not escaped: whoever has the values can write it again, byte by byte."""
    said = json.loads(CONTENT)
    assert json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == CONTENT
    seal = parse_seal(CONTENT, "s")
    assert (seal.pair, seal.number, seal.sweep, seal.rows, seal.root, seal.hash, seal.signature) == (
        PAIR,
        3,
        7,
        1,
        ROOT,
        hash_of(CONTENT),
        "s",
    )
    assert seal.changes == [Change(2, ROOT, ROOT)]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("format", 2),
        ("kind", "deletion"),
        ("number", -1),
        ("number", True),
        ("sweep", 2**64),
        ("rows", "1"),
        ("root", "AB" * 32),
        ("previous", None),
        ("pair", {"bucket": "a"}),
        ("pair", []),
        ("record", []),
        ("late", "no"),
        ("sealed_at", 5),
        ("changes", "x"),
        ("changes", [[1, ROOT]]),
        ("changes", [[1, ROOT, "x"]]),
        ("changes", [5]),
    ],
)
def test_what_is_not_a_seal_is_refused(name: str, value: Any) -> None:
    """Whoever can write the database can write anything, with a hash that fits."""
    with pytest.raises(SealFormatError):
        parse_seal(json.dumps(json.loads(CONTENT) | {name: value}))


@pytest.mark.parametrize("text", ["", "x", "5", "[]", "{}", "[" * 5000, "\ud800"])
def test_text_of_another_kind_is_refused(text: str) -> None:
    with pytest.raises(SealFormatError):
        parse_seal(text)
