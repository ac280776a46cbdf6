"""The commands `sweep --now` and `reload`: ask the instance that leads, through the audit database."""

import time
from contextlib import closing

from s3mover.app.factories import pair_of
from s3mover.audit.opening import open_reader
from s3mover.audit.operator_requests import VALID_SECONDS
from s3mover.audit.trail import Trail
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.commands.operator import operator
from s3mover.errors import ExitCode, UnreachableError
from s3mover.model import Pair, RequestAnswer, RequestKind
from s3mover.observe.text import visible
from s3mover.settings import Settings

POLL_SECONDS = 0.1


def ask_leader(settings: Settings, echo: Echo, kind: RequestKind) -> ExitCode:
    """Ask the leader of each route, wherever it runs, and print its answer; a refusal is `ExitCode.UNREACHABLE`.

    Raises:
        UnreachableError: no instance answered before the request expired.
        MoverError: the audit database cannot be used.
    """

    def ask(own: Settings) -> ExitCode:
        with closing(open_reader(own.audit.url.value)) as trail:
            answer = _ask(trail, pair_of(own), kind)
        echo(visible(f"{answer.by}: {answer.text}"))
        return ExitCode.OK if answer.is_accepted else ExitCode.UNREACHABLE

    return for_each_route(settings, echo, lambda route: ask(route.settings))


def _ask(trail: Trail, pair: Pair, kind: RequestKind) -> RequestAnswer:
    number = trail.request(pair, kind, operator())
    # A little longer than the leader may take the request.
    until = time.monotonic() + VALID_SECONDS + 1
    while time.monotonic() < until:
        if answer := trail.answer_to(pair, kind, number):
            return answer
        time.sleep(POLL_SECONDS)
    raise UnreachableError(
        f"no running instance of s3mover answered for {pair} within {VALID_SECONDS:.0f} s; is `s3mover run` at work, "
        "with these buckets and this audit database?"
    )
