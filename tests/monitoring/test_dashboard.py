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
    "s3mover_cpu_seconds_total",
    "s3mover_memory_bytes",
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


def test_every_query_filters_by_what_is_chosen(dashboard: dict[str, Any]) -> None:
    """Each selector uses namespace, pod, instance and, except for what routes share, the route; and the data source."""
    for panel in charts(dashboard):
        for target in panel["targets"]:
            selectors = re.findall(r"(s3mover_\w+)\{([^}]*)\}", target["expr"])
            assert len(selectors) == len(re.findall(r"s3mover_\w+", target["expr"]))
            for metric, selector in selectors:
                for label in ("namespace", "pod", "instance"):
                    assert f'{label}=~"${label}"' in selector
                assert ('route=~"$route"' in selector) is (metric not in SHARED)
            assert target["datasource"] == {"type": "prometheus", "uid": "${datasource}"}


def test_all_routes_match_where_there_are_none(dashboard: dict[str, Any]) -> None:
    """Grafana's own "all" lists the values that it knows; ours matches an absent label, too (outside Kubernetes)."""
    variables = {variable["name"]: variable for variable in dashboard["templating"]["list"]}
    chosen = ("namespace", "pod", "route", "instance")
    assert {variables[name]["allValue"] for name in chosen} == {".*"}


def test_each_choice_offers_what_fits_those_before_it(dashboard: dict[str, Any]) -> None:
    """Pods are those of the namespace, instances those of the pods."""
    variables = {
        variable["name"]: variable["definition"] for variable in dashboard["templating"]["list"][1:5]
    }
    assert list(variables) == ["namespace", "route", "pod", "instance"]
    assert 'namespace=~"$namespace"' in variables["pod"]
    assert 'pod=~"$pod"' in variables["instance"]


def test_leader_alerts_cpu_and_memory_are_shown(dashboard: dict[str, Any]) -> None:
    """What an operator looks for first when an alert came."""
    shown = {panel["title"]: panel["targets"][0]["expr"] for panel in charts(dashboard)}
    assert "by (route, pod, instance) (s3mover_leader{" in shown["Leader of each route"]
    assert 'ALERTS{alertname=~"S3mover.*", namespace=~"$namespace"' in shown["Alerts"]
    assert "s3mover_cpu_seconds_total" in shown["CPU"]
    assert "s3mover_memory_bytes" in shown["Memory"]


def test_the_provisioning_is_of_grafanas_first_version() -> None:
    """Both files are read by Grafana from its provisioning folder; the data source is a Prometheus."""
    sources = yaml.safe_load((FOLDER / "provisioning/datasources/prometheus.yaml").read_text())
    providers = yaml.safe_load((FOLDER / "provisioning/dashboards/s3mover.yaml").read_text())
    assert (sources["apiVersion"], providers["apiVersion"]) == (1, 1)
    assert sources["datasources"][0]["type"] == "prometheus"
    assert providers["providers"][0]["options"]["path"].startswith("/")
