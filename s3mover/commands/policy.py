"""The `policy` command: prints the policy documents that both accounts need, or a template that creates them."""

import json
from collections.abc import Iterator

from s3mover.commands.each_route import Echo, for_each_route
from s3mover.diagnostics.iam_policies import Document
from s3mover.diagnostics.iam_templates import cloudformation, terraform
from s3mover.diagnostics.policy_inputs import documents_of, hints, stack_of
from s3mover.errors import ExitCode, SettingsError
from s3mover.model import Method, Side
from s3mover.observe.text import to_json
from s3mover.settings import Route, Settings, routes_of

HEADINGS = {
    Method.SERVER_SIDE_COPY: "## Server-side copy: the destination's credentials read the source and write the copy.",
    Method.STREAMING: "\n## Streaming: the credentials of each side access their own bucket only.",
}


TEMPLATES = {"cloudformation": cloudformation, "terraform": terraform}


def policy(settings: Settings, echo: Echo, *, side: str | None, source_key: str, as_json: bool) -> ExitCode:
    """Print the policy documents that the settings need, of one side or of both.

    With `as_json` each route prints one document on one line.
    """

    def print_policies(route: Route) -> ExitCode:
        documents = [
            one for one in documents_of(route.settings, source_key) if side is None or one.side == side
        ]
        if as_json:
            echo(_json(route.name, documents))
            return ExitCode.OK
        for line in _text(documents, hints(route.settings, source_key)):
            echo(line)
        return ExitCode.OK

    return for_each_route(settings, echo, print_policies, headings=not as_json)


def template(settings: Settings, echo: Echo, *, side: str | None, source_key: str, kind: str) -> ExitCode:
    """Print the template of what the account of one side creates.

    Raises:
        SettingsError: no side or route is chosen; or see `stack_of`.
    """
    (route, *others) = routes_of(settings)
    if others:
        raise SettingsError(
            [f"routes: a template is for one route; name it with --route, e.g. --route {route.name}"]
        )
    if side is None:
        raise SettingsError(
            ["each account has a template of its own: add --side source or --side destination"]
        )
    stack = stack_of(route.settings, Side(side), source_key)
    echo(json.dumps(TEMPLATES[kind](stack), indent=2))
    return ExitCode.OK


def _json(route: str, documents: list[Document]) -> str:
    fields = [
        {
            "way": one.method,
            "side": one.side,
            "kind": one.kind,
            "attach_to": one.attach_to,
            "policy": one.policy,
        }
        for one in documents
    ]
    return to_json({"route": route, "documents": fields} if route else fields).decode()


def _text(documents: list[Document], hints: list[str]) -> Iterator[str]:
    method = None
    for document in documents:
        if document.method is not method:
            method = document.method
            yield HEADINGS[method]
        yield f"\n# The policy of {document.attach_to}{'' if document.policy else ': nothing to add.'}"
        if document.policy:
            yield json.dumps(document.policy, indent=2)
    for hint in hints:
        yield f"\n# {hint}"
