"""Amounts of money: whole micro-dollars, computed by decimal arithmetic and rounded once, at the end of a sum."""

from decimal import ROUND_HALF_UP, Decimal

MICROS = 1_000_000
# S3 counts storage and transfer in these (Amazon S3 FAQs, the examples of billing).
GB = 2**30


def micros(dollars: Decimal) -> int:
    """Return dollars as whole micro-dollars, half a one rounded up."""
    return int((dollars * MICROS).quantize(Decimal(1), ROUND_HALF_UP))


def dollars(amount: int) -> Decimal:
    """Return micro-dollars as dollars."""
    return Decimal(amount) / MICROS


def money_text(amount: int) -> str:
    """Return micro-dollars for people: `$12.34`, below one dollar with four digits, and `< $0.0001` below those."""
    if 0 < amount < MICROS // 10_000:
        return "< $0.0001"
    return f"${dollars(amount):,.2f}" if amount >= MICROS or not amount else f"${dollars(amount):.4f}"
