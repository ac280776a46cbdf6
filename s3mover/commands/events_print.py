"""The `events print` command: prints a template of what receiving the source's events needs."""

import json

from s3mover.commands.each_route import Echo
from s3mover.diagnostics.event_templates import events_template
from s3mover.diagnostics.policy_inputs import event_queue_of, policy_inputs_of
from s3mover.errors import ExitCode, SettingsError
from s3mover.settings import Settings, routes_of


def print_events(settings: Settings, echo: Echo, via: str) -> ExitCode:
    """Print the CloudFormation template of one route, for the account of the source.

    Raises:
        SettingsError: no route is chosen, or the source is an access point, which sends no events.
    """
    (route, *others) = routes_of(settings)
    if others:
        raise SettingsError(
            [f"routes: a template is for one route; name it with --route, e.g. --route {route.name}"]
        )
    source = route.settings.source
    if source.bucket.startswith("arn:"):
        raise SettingsError(
            ["source.bucket: an access point sends no events; expected the name of the bucket behind it"]
        )
    queue = event_queue_of(route.settings)
    arn = policy_inputs_of(route.settings).source.bucket_arn
    echo(json.dumps(events_template(queue, source.bucket, arn, via), indent=2))
    return ExitCode.OK
