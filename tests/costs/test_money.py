"""Amounts of money as text."""

import pytest

from s3mover.costs.money import parse_money, write_money


@pytest.mark.parametrize(
    ("text", "micros"), [("5", 5_000_000), ("2.50", 2_500_000), ("$0.000001", 1), (" 0 ", 0)]
)
def test_an_amount_is_a_number_of_dollars(text: str, micros: int) -> None:
    """It is exact to a micro-dollar."""
    assert parse_money(text) == micros
    assert parse_money(write_money(micros)) == micros


@pytest.mark.parametrize("text", ["", "five", "-1", "5 EUR", "1e3", "0.0000001", "\u0665"])
def test_anything_else_is_no_amount(text: str) -> None:
    """Other currencies and finer fractions are refused."""
    with pytest.raises(ValueError, match="is not an amount of US dollars"):
        parse_money(text)
