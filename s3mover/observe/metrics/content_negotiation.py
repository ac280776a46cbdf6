"""Reads the Accept header of a scrape (RFC 9110, section 12.5.1). Pure."""

_OPENMETRICS = "application/openmetrics-text"
_TEXT = frozenset({"text/plain", "text/*", "*/*"})


def prefers_openmetrics(accept: str) -> bool:
    """Tell whether `accept` names OpenMetrics, and gives it no less weight than plain text."""
    weights = [_weighed(part) for part in accept.lower().split(",")]
    openmetrics = max((weight for kind, weight in weights if kind == _OPENMETRICS), default=0.0)
    text = max((weight for kind, weight in weights if kind in _TEXT), default=0.0)
    return openmetrics > 0 and openmetrics >= text


def _weighed(part: str) -> tuple[str, float]:
    """Return a media type and its weight; a weight that is no number counts as none given."""
    kind, *parameters = (word.strip() for word in part.split(";"))
    given = [word[2:] for word in parameters if word.startswith("q=")]
    try:
        return kind, float(given[-1]) if given else 1.0
    except ValueError:
        return kind, 1.0
