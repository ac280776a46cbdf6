"""How texts, moments and pairs become HTML that shows them and does nothing else. Pure.

Each text on the status page passes `shown`, whoever it comes from.
"""

from html import escape

from s3mover.observe.page import humanize
from s3mover.observe.text import visible


def shown(text: object) -> str:
    """Return a text as HTML that shows it and nothing else: escaped, and with what does not print made visible."""
    return escape(visible(str(text)))


def isolated(text: str) -> str:
    """Return a text that may run from right to left, kept from turning what stands around it."""
    return f"<bdi>{shown(text)}</bdi>"


def pair_shown(pair: str) -> str:
    """Return a pair of buckets with an arrow between them."""
    return isolated(pair.replace(" -> ", " → "))


def when(moment: str, now: str) -> str:
    """Return how long ago a moment was, with the moment itself for who points at it."""
    exact = f'datetime="{shown(moment)}" title="{shown(humanize.clock(moment))}"'
    return f"<time {exact}>{shown(humanize.ago(moment, now))}</time>"
