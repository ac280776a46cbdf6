"""Objects of which the listings do not tell whether they changed: the trail knows which version was copied.

The decisions are in `planning/page_diff.py`. It costs one query for a page that has such objects.
"""

from s3mover.audit.retrying_trail import RetryingTrail
from s3mover.audit.trail import TrailReader
from s3mover.model import Pair
from s3mover.planning.page_diff import PageDiff, settle_doubts


def ask_trail(diff: PageDiff, trail: RetryingTrail | TrailReader, pair: Pair) -> PageDiff:
    """Return the diff without doubts."""
    if not diff.doubtful:
        return diff
    copies = trail.last_copies(pair, [doubt.entry.key for doubt in diff.doubtful])
    return settle_doubts(diff, {key: copy.source_etag for key, copy in copies.items()})
