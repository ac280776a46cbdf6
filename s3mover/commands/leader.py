"""The `leader` command: which instance leads, so that others find its logs and its status."""

from contextlib import closing

from s3mover.app.factories import pair_of
from s3mover.audit.opening import open_reader
from s3mover.commands.each_route import Echo, for_each_route
from s3mover.errors import ExitCode, UnreachableError
from s3mover.observe.text import visible
from s3mover.settings import Settings


def leader(settings: Settings, echo: Echo, *, url: bool, heading: bool) -> ExitCode:
    """Print the host name (in Kubernetes that of the pod) of the instance that leads, or the URL of its page.

    With several routes each has a `heading`.

    Raises:
        UnreachableError: no instance leads, or it has no URL.
        MoverError: the audit database cannot be used.
    """

    def show(own: Settings) -> ExitCode:
        pair = pair_of(own)
        with closing(open_reader(own.audit.url.value)) as trail:
            found = trail.leader_of(pair)
        if found is None or not found.is_alive:
            raise UnreachableError(f"no instance of s3mover leads {pair} at the moment")
        if url and not found.url:
            raise UnreachableError(f"{visible(found.name)} leads {pair}, and its setting http.url is empty")
        echo(visible(found.url if url else found.name))
        return ExitCode.OK

    return for_each_route(settings, echo, lambda route: show(route.settings), headings=heading)
