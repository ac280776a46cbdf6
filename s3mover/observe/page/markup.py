"""Escapes texts and formats times and pairs as HTML. Pure.

Every text on the status page passes through `escaped`, whatever its origin.
"""

from html import escape

from s3mover.observe.page import humanize
from s3mover.observe.text import visible


def escaped(text: object) -> str:
    """Return a text as HTML that shows exactly this text, with unprintable characters as escapes."""
    return escape(visible(str(text)))


def isolated(text: str) -> str:
    """Return a text as HTML in a `bdi` element, so that right-to-left text does not reorder its surroundings."""
    return f"<bdi>{escaped(text)}</bdi>"


def bucket_pair(pair: str) -> str:
    """Return a pair of buckets as HTML, with an arrow between them."""
    return isolated(pair.replace(" -> ", " → "))


def time_ago(moment: str, now: str) -> str:
    """Return as HTML how long ago a moment was, with the moment itself as tooltip."""
    exact = f'datetime="{escaped(moment)}" title="{escaped(humanize.clock(moment))}"'
    return f"<time {exact}>{escaped(humanize.ago(moment, now))}</time>"
