"""Globs on the key below the prefix."""

import pytest

from s3mover.planning.filters import key_filter


def test_no_globs_mean_no_filter() -> None:
    """Without globs there is nothing to ask per key."""
    assert key_filter("docs/", [], []) is None


@pytest.mark.parametrize(
    ("include", "exclude", "key", "passes"),
    [
        (["*.pdf"], [], "docs/a/b.pdf", True),
        (["*.pdf"], [], "docs/a/b.txt", False),
        (["a/*"], [], "docs/a/b.txt", True),
        (["a/*"], [], "docs/b/a/x", False),
        ([], ["*.tmp"], "docs/x.tmp", False),
        ([], ["*.tmp"], "docs/x.pdf", True),
        (["*.pdf"], ["secret/*"], "docs/secret/x.pdf", False),
        (["*.PDF"], [], "docs/x.pdf", False),
        (["[ab]?.csv"], [], "docs/b1.csv", True),
        (["*"], [], "docs/line\nbreak", True),
        (["a.b"], [], "docs/axb", False),
    ],
)
def test_exclude_wins_and_case_counts(include: list[str], exclude: list[str], key: str, passes: bool) -> None:
    """A key passes when an include matches it, and no exclude does."""
    wanted = key_filter("docs/", include, exclude)
    assert wanted is not None
    assert wanted(key) is passes
