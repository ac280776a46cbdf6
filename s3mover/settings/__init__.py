"""Settings: what can be set, where it is read from, and the messages for invalid values.

The only package that imports pydantic and YAML. It checks the form of a value, not whether a bucket or database
answers. The names exported here (records and names of settings) need neither library; `load.py` and `definitions.py`
do.
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
