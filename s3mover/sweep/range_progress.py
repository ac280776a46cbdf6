"""What a run of a range has finished when it hands the rest back, so that the next run does not list it again."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from s3mover.planning.page_diff import PageDiff


@dataclass(frozen=True, slots=True)
class Finished:
    """The keys up to `last_key` are done with: `listed` objects; empty and 0 where the run has to be done anew.

    `skipped_beyond` counts objects after that key by the reason why they were skipped: they are listed again.
    """

    last_key: str = ""
    listed: int = 0
    skipped_beyond: Mapping[str, int] = field(default_factory=dict)


class RangeProgress:
    """Remembers the pages of a range: a few dozen."""

    def __init__(self) -> None:
        self._pages: list[PageDiff] = []

    def add(self, page: PageDiff) -> None:
        """Note that a page was compared."""
        self._pages.append(page)

    def finished(self, compared_up_to: str | None, first_undone: str | None) -> Finished:
        """Return what need not be done again.

        All keys up to `compared_up_to` (None: all) were listed, and `first_undone` is the first whose transfer was not
        begun or has to be repeated (None: there is none). The pages between tell at which key a listing may begin.
        """
        done = [
            page
            for page in self._pages
            if (compared_up_to is None or page.last_key <= compared_up_to)
            and (first_undone is None or page.last_key < first_undone)
        ]
        last_key = max((page.last_key for page in done), default="")
        beyond: Counter[str] = Counter()
        for page in self._pages:
            if page.last_key > last_key:
                beyond.update(page.skipped)
        return Finished(last_key, sum(page.listed for page in done), beyond)
