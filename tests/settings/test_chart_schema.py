"""The chart's schema of its value `config` is that of the settings."""

import json

from deploy.helm.config_schema import SCHEMA, definitions


def test_the_chart_knows_every_setting() -> None:
    """`make manifests` writes it there, after a change of the settings."""
    assert json.loads(SCHEMA.read_text("utf-8"))["definitions"].items() >= definitions().items()
