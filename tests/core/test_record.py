"""`Record`, the base of the events: it behaves as a frozen dataclass does."""

import copy
import pickle
from dataclasses import FrozenInstanceError
from typing import ClassVar

import pytest

from s3mover.record import Record


class Named(Record):
    kind: ClassVar[str] = "named"
    key: str
    size: int
    message: str = "none"


class Longer(Named):
    kind = "longer"
    extra: float = 0.5


class Empty(Record):
    pass


class OtherEmpty(Record):
    pass


def test_fields_are_the_annotated_attributes_after_those_of_the_parent() -> None:
    """A class variable is not a field."""
    assert Named.__match_args__ == ("key", "size", "message")
    assert Longer.__match_args__ == ("key", "size", "message", "extra")
    assert Empty.__match_args__ == ()


def test_values_are_given_by_position_or_name_and_have_defaults() -> None:
    """Every way to give the same values makes the same record."""
    whole = Named("k", 5, "none")
    assert whole == Named("k", 5) == Named("k", size=5) == Named(size=5, key="k")
    assert (whole.key, whole.size, whole.message, whole.kind) == ("k", 5, "none", "named")
    assert Longer("k", 5, extra=1.5).extra == 1.5


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (("k",), {}),
        ((), {"key": "k"}),
        (("k", 5, "m", 6), {}),
        (("k", 5), {"key": "k"}),
        (("k", 5), {"other": 1}),
    ],
)
def test_a_missing_surplus_or_repeated_value_is_refused(
    values: tuple[object, ...], named: dict[str, object]
) -> None:
    """The message names the record and its fields."""
    with pytest.raises(TypeError, match=r"Named\(key, size, message\)"):
        Named(*values, **named)  # type: ignore[arg-type]


def test_a_record_cannot_be_changed() -> None:
    """Neither a field nor a new attribute, by assignment or deletion."""
    record = Named("k", 5)
    with pytest.raises(FrozenInstanceError, match="key"):
        record.key = "other"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="new"):
        record.new = 1  # type: ignore[assignment]
    with pytest.raises(FrozenInstanceError, match="key"):
        del record.key
    assert record == Named("k", 5)


def test_records_are_equal_by_type_and_values() -> None:
    """Also as keys of a dictionary or set."""
    assert Named("k", 5) != Named("k", 6)
    assert Longer("k", 5) != Named("k", 5)
    assert Empty() == Empty() != OtherEmpty()
    assert len({Empty(), Empty(), OtherEmpty(), Named("k", 5), Named("k", 5, "none"), Named("k", 6)}) == 4
    assert Named("k", 5) != ("k", 5, "none")


def test_repr_names_every_field() -> None:
    """As the call that makes the record."""
    record = Longer("k", 5)
    assert repr(record) == "Longer(key='k', size=5, message='none', extra=0.5)"
    assert eval(repr(record)) == record  # noqa: S307 - a text made here


def test_records_are_copied_and_pickled_by_value() -> None:
    """They cross process boundaries."""
    record = Named("k", 5, message="m")
    assert copy.copy(record) == pickle.loads(pickle.dumps(record)) == record  # noqa: S301 - made here


def test_records_are_matched_by_position() -> None:
    """`match` takes the fields in order."""
    match Named("k", 5):
        case Named(key, size, message):
            assert (key, size, message) == ("k", 5, "none")
