"""Amounts of money: whole micro-dollars, computed by decimal arithmetic and rounded once, at the end of a sum."""

import re
from decimal import ROUND_HALF_UP, Decimal

MICROS = 1_000_000
# S3 counts storage and transfer in these (Amazon S3 FAQs, the examples of billing).
GB = 2**30
# The texts that are accepted as amounts, for schemas.
MONEY_PATTERN = r"^\$?\d{1,9}(\.\d{1,6})?$"


def micros(dollars: Decimal) -> int:
    """Return dollars as whole micro-dollars, half a one rounded up."""
    return int((dollars * MICROS).quantize(Decimal(1), ROUND_HALF_UP))


def dollars(amount: int) -> Decimal:
    """Return micro-dollars as dollars."""
    return Decimal(amount) / MICROS


def usd(amount: int) -> float:
    """Return micro-dollars as dollars for JSON and metrics, which have no decimal numbers."""
    return amount / MICROS


def money_text(amount: int) -> str:
    """Return micro-dollars for people: `$12.34`, below one dollar with four digits, and `< $0.0001` below those."""
    if 0 < amount < MICROS // 10_000:
        return "< $0.0001"
    return f"${dollars(amount):,.2f}" if amount >= MICROS or not amount else f"${dollars(amount):.4f}"


def parse_money(text: str) -> int:
    """Return the micro-dollars that `5`, `2.50` or `$0.10` stand for.

    Raises:
        ValueError: `text` is not an amount; the message continues a sentence that begins with the text.
    """
    text = text.strip()
    if not re.fullmatch(MONEY_PATTERN, text, re.ASCII):
        raise ValueError("is not an amount of US dollars")
    return micros(Decimal(text.removeprefix("$")))


def write_money(amount: int) -> str:
    """Write micro-dollars as dollars: `5`, `2.5`."""
    return f"{dollars(amount).normalize():f}"
