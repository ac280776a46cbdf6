"""Parses the Accept header of a scrape (RFC 9110, section 12.5.1). Pure."""

_OPENMETRICS = "application/openmetrics-text"
_TEXT = frozenset({"text/plain", "text/*", "*/*"})


def prefers_openmetrics(accept: str) -> bool:
    """Return whether `accept` names OpenMetrics with at least the weight of plain text."""
    weights = [_parse(entry) for entry in accept.lower().split(",")]
    openmetrics = max((weight for media, weight in weights if media == _OPENMETRICS), default=0.0)
    text = max((weight for media, weight in weights if media in _TEXT), default=0.0)
    return openmetrics > 0 and openmetrics >= text


def _parse(entry: str) -> tuple[str, float]:
    """Return a media type and its weight; a weight that is missing or not a number is 1."""
    media, *parameters = (word.strip() for word in entry.split(";"))
    weights = [word[2:] for word in parameters if word.startswith("q=")]
    try:
        return media, float(weights[-1]) if weights else 1.0
    except ValueError:
        return media, 1.0
