"""The latest failures on the status page, grouped by error code and message, with advice for each code. Pure."""

import re
from collections.abc import Callable, Iterable, Sequence

from s3mover.observe.page import Status
from s3mover.observe.page.advice import advice_for
from s3mover.observe.page.markup import escaped, isolated, time_ago

# Each request has its own name; without removing it no two messages would be the same.
_REQUEST = re.compile(r" \(request [^()]*\)$")


def failure_list(failures: Sequence[Status], now: str) -> str:
    """Return the failures by code, each code with its advice."""
    if not failures:
        return '<p class="nothing">None since the start.</p>'
    by_code = _group(_latest_by_key(failures), lambda failure: str(failure["code"]))
    return "".join(_code(code, group, now) for code, group in by_code.items())


def _latest_by_key(failures: Sequence[Status]) -> list[Status]:
    """Return the newest failure of each object, so that one that fails in every sweep is shown once."""
    latest: dict[tuple[str | None, str], Status] = {}
    for failure in failures:
        latest.setdefault((failure.get("route"), failure["key"]), failure)
    return list(latest.values())


def _group(failures: Iterable[Status], key: Callable[[Status], str]) -> dict[str, list[Status]]:
    groups: dict[str, list[Status]] = {}
    for failure in failures:
        groups.setdefault(key(failure), []).append(failure)
    return groups


def _code(code: str, failures: Sequence[Status], now: str) -> str:
    objects = "1 object" if len(failures) == 1 else f"{len(failures)} objects"
    by_message = _group(failures, lambda failure: _REQUEST.sub("", failure["message"]))
    return (
        f'<article><h3><code>{escaped(code or "no code")}</code> <span class="soft">{objects}</span></h3>'
        f'<p class="advice">{escaped(advice_for(code))}</p>'
        f"{''.join(_message(message, group, now) for message, group in by_message.items())}</article>"
    )


def _message(message: str, failures: Sequence[Status], now: str) -> str:
    reason = f'<p class="why">{isolated(message)}</p>' if message else ""
    items = "".join(f"<li>{_object(failure, now)}</li>" for failure in failures)
    return f'{reason}<ul class="objects">{items}</ul>'


def _object(failure: Status, now: str) -> str:
    attempts = "" if failure["attempts"] <= 1 else f"{failure['attempts']} attempts, "
    route = f"{escaped(failure['route'])}, " if "route" in failure else ""
    when = f"{route}{attempts}{time_ago(failure['at'], now)}"
    return f'<bdi class="key">{escaped(failure["key"])}</bdi> <span class="soft">{when}</span>'
