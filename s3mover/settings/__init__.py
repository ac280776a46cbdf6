"""Settings: what can be set, from where it is read, and what to say where it cannot be worked with.

The only room that knows pydantic and YAML. It knows the shape of a value, not whether a bucket or database answers.
"""

from s3mover.settings.catalogue import Setting, may_differ, schema_of_settings
from s3mover.settings.load import load
from s3mover.settings.model import Route, Settings, routes_of
from s3mover.settings.sources import ROUTES, split_name

__all__ = [
    "ROUTES",
    "Route",
    "Setting",
    "Settings",
    "load",
    "may_differ",
    "routes_of",
    "schema_of_settings",
    "split_name",
]
