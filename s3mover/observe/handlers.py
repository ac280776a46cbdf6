"""The type of a listener's table of handlers: one for each event that it uses."""

from collections.abc import Callable
from typing import Any

from s3mover.events import Event

Handlers = dict[type[Event], Callable[[Any], None]]
