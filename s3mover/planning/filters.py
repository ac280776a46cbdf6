"""Which keys a sweep looks at: globs on the key below the prefix. `page_diff.py` decides on their age."""

import re
from collections.abc import Callable, Sequence
from fnmatch import translate

KeyFilter = Callable[[str], bool]


def key_filter(prefix: str, include: Sequence[str], exclude: Sequence[str]) -> KeyFilter | None:
    """Return the test that a key must pass, or None if every key passes.

    Globs are those of the aws CLI: `*` and `?` match any character, `/` too, and case counts. A key must match
    one of `include` (an empty list matches all) and none of `exclude`.
    """
    if not include and not exclude:
        return None
    included, excluded = _any_of(include), _any_of(exclude)
    start = len(prefix)

    def passes(key: str) -> bool:
        below = key[start:]
        if excluded is not None and excluded.match(below):
            return False
        return included is None or included.match(below) is not None

    return passes


def _any_of(globs: Sequence[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(translate(glob) for glob in globs)) if globs else None
