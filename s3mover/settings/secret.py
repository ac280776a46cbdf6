"""A text that must not be shown."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Secret:
    """Shows neither its text nor the length of it; `value` is the text in the open."""

    value: str = field(repr=False)
