"""Keys that stores may keep under another name."""

import pytest

from s3mover.transfer.folded_keys import may_be_folded


@pytest.mark.parametrize(
    "key", ["/", "//", "/a", "a//b", "a/./b", "a/../b", "..", ".", "a/.", "a\\b", "a//", "a/"]
)
def test_paths_that_mean_the_same_as_others_are_known(key: str) -> None:
    """Empty parts, parts `.` and `..`, and backslashes."""
    assert may_be_folded(key, 1)


@pytest.mark.parametrize(
    ("key", "size"), [("a", 1), ("a/b", 1), ("a/b.c/..d", 1), ("...", 1), ("a/", 0), ("a/b/", 0)]
)
def test_other_keys_cost_no_request(key: str, size: int) -> None:
    """Neither do the empty objects by which consoles mark folders."""
    assert not may_be_folded(key, size)
