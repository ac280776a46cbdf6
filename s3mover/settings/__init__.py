"""Settings: what can be set, from where it is read, and what to say where it cannot be worked with.

The only room that knows pydantic and YAML. It knows the shape of a value, not whether a bucket or database answers.
What is met here at its door is light and needs neither: the records and their names. Who reads settings, or asks what
is expected of them, goes to `load.py` and `definitions.py`.
"""

from s3mover.settings.model import Route, Settings, routes_of
from s3mover.settings.names import ROUTES, may_differ, setting_names, split_name, value_of, with_values

__all__ = [
    "ROUTES",
    "Route",
    "Settings",
    "may_differ",
    "routes_of",
    "setting_names",
    "split_name",
    "value_of",
    "with_values",
]
