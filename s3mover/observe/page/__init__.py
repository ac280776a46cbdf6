"""The status page: one HTML document rendered from what `/status` returns."""

from collections.abc import Mapping
from typing import Any

Status = Mapping[str, Any]
"""The content of `/status`, or one of the objects in it."""
