"""The dashboard as a document: what Grafana would reject when loading it."""

import json
import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import ROOT

FOLDER = ROOT / "deploy/grafana"
BUILT_IN = {"__rate_interval", "__range", "__interval"}
WIDTH = 24
# What concerns the process has no label `route`.
SHARED = {
    "s3mover_threads",
    "s3mover_worker_processes",
    "s3mover_worker_restarts_total",
    "s3mover_log_lines_dropped_total",
    "s3mover_build_info",
}


@pytest.fixture(scope="module")
def dashboard() -> dict[str, Any]:
    """Return the dashboard."""
    document: dict[str, Any] = json.loads((FOLDER / "s3mover.json").read_text())
    return document


def charts(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def test_panels_have_ids_of_their_own(dashboard: dict[str, Any]) -> None:
    """Grafana addresses panels by id, and queries of a panel by letter."""
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in charts(dashboard):
        letters = [target["refId"] for target in panel["targets"]]
        assert len(set(letters)) == len(letters) > 0


def test_no_panel_covers_another(dashboard: dict[str, Any]) -> None:
    """Each panel has its own area within the width."""
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= WIDTH for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above


def test_each_panel_says_what_it_shows(dashboard: dict[str, Any]) -> None:
    """A title, a description in whole sentences, and a unit."""
    for panel in charts(dashboard):
        assert panel["title"]
        assert panel["description"].endswith(".")
        assert panel["fieldConfig"]["defaults"]["unit"]


def test_every_variable_is_defined_and_used(dashboard: dict[str, Any]) -> None:
    """All references are defined, and all variables are used."""
    defined = {variable["name"] for variable in dashboard["templating"]["list"]}
    queries = json.dumps([dashboard["panels"], dashboard["annotations"]])
    assert set(re.findall(r"\$\{?(\w+)", queries)) - BUILT_IN == defined


def test_every_query_filters_by_route_and_instance(dashboard: dict[str, Any]) -> None:
    """Each selector uses both variables, except for what routes share, and the selected data source."""
    for panel in charts(dashboard):
        for target in panel["targets"]:
            selectors = re.findall(r"(s3mover_\w+)\{([^}]*)\}", target["expr"])
            assert len(selectors) == len(re.findall(r"s3mover_\w+", target["expr"]))
            for metric, selector in selectors:
                assert 'instance=~"$instance"' in selector
                assert ('route=~"$route"' in selector) is (metric not in SHARED)
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_all_routes_match_where_there_are_none(dashboard: dict[str, Any]) -> None:
    """Grafana's own "all" lists the values that it knows; ours matches an absent label as well."""
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    assert [variables[name]["allValue"] for name in ("route", "instance")] == [".*", ".*"]


def test_the_provisioning_is_of_grafanas_first_version() -> None:
    """Both files are read by Grafana from its provisioning folder; the data source is a Prometheus."""
    sources = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yaml").read_text())
    providers = yaml.safe_load((FOLDER / "provisioning/dashboards/s3mover.yaml").read_text())
    assert (sources["apiVersion"], providers["apiVersion"]) == (1, 1)
    assert sources["datasources"][0]["type"] == "prometheus"
    assert providers["providers"][0]["options"]["path"].startswith("/")
