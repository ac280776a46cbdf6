"""A real Prometheus scrapes a real daemon: its values equal the trail's, and the dashboard finds them."""

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from testkit.prometheus import Prometheus, running_prometheus
from testkit.trail_rows import rows
from testkit.waiting import wait_until
from testkit.world import SOURCE
from tests.monitoring.conftest import ROOT, Watched, watched

DASHBOARD = ROOT / "deploy/grafana/s3mover.json"
ALERTS = ROOT / "deploy/prometheus/alerts.yaml"
CONFIGURATION = ROOT / "deploy/prometheus/prometheus.yml"
DENIED = 5  # objects
METRIC = re.compile(r"s3mover_[a-z0-9_]+")


@pytest.fixture(scope="module")
def swept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Prometheus, Watched]]:
    """Return a Prometheus that has seen every kind of outcome of an idle daemon."""
    folder = tmp_path_factory.mktemp("watched")
    # What failed is moved by the next sweep, however often it failed: a daemon at rest has nothing left to do.
    settings = {"S3MOVER_FILTER__EXCLUDE": '["*.tmp"]', "S3MOVER_SWEEP__RETRY_WAIT": "0s"}
    with (
        watched(folder, **settings) as daemon,
        running_prometheus(_configuration(folder, daemon.port), folder) as prometheus,
    ):
        _wait_for_scrapes(prometheus)
        _let_everything_happen(daemon)
        _let_it_rest(daemon)
        _wait_for_scrapes(prometheus)
        yield prometheus, daemon


def _configuration(folder: Path, port: int) -> Path:
    """Write the project's own configuration, with the address of this daemon and a quicker pace."""
    configuration = yaml.safe_load(CONFIGURATION.read_text())
    configuration["global"] = {"scrape_interval": "500ms", "evaluation_interval": "500ms"}
    configuration["rule_files"] = [str(ALERTS)]
    configuration["scrape_configs"] = configuration["scrape_configs"][:1]
    configuration["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
    path = folder / "prometheus.yml"
    path.write_text(yaml.safe_dump(configuration))
    return path


def _wait_for_scrapes(prometheus: Prometheus) -> None:
    """Wait for two more scrapes: the figures of now, and something that they can be compared with."""

    def scrapes() -> float:
        return sum(prometheus.values("count_over_time(s3mover_build_info[5m])").values())

    before = scrapes()
    wait_until(lambda: scrapes() >= before + 2, "Prometheus has scraped twice")


def _let_everything_happen(daemon: Watched) -> None:
    """Copies, streams, fallbacks, failures, skips, throttling and the death of a worker."""
    s3 = daemon.world.s3
    s3.add_fault("slow_down", operation="CopyObject", times=20)
    failing = s3.add_fault("access_denied", key="denied/*")
    s3.put_object(SOURCE, "archived", b"x", storage_class="GLACIER")
    s3.put_object(SOURCE, "left-out.tmp", b"x")
    s3.fill(SOURCE, 40, size=1_000, prefix="open/")
    # In a folder of their own: what is refused of one object is believed of its folder for a while.
    s3.fill(SOURCE, DENIED, size=1_000, prefix="denied/")
    s3.fill(SOURCE, 25, size=2_000, prefix="secret/")
    wait_until(lambda: _denied(daemon) >= DENIED, "some have failed")
    s3.clear_faults(failing)
    wait_until(daemon.is_settled, "what failed is moved")
    os.kill(daemon.worker, signal.SIGKILL)
    restarted = 's3mover_worker_restarts_total{reason="exit -9"} 1.0'
    wait_until(lambda: restarted in daemon.metrics(), "the worker is replaced")


def _let_it_rest(daemon: Watched) -> None:
    """Wait for a sweep that found nothing to do: an archived object has a row while a sweep asks for it again."""
    daemon.world.s3.delete_objects(SOURCE, ["archived"])
    left = daemon.world.s3.count(SOURCE)
    wait_until(
        lambda: daemon.is_settled() and daemon.status()["sweeps"][0]["listed"] == left,
        "everything is moved, and nothing is asked for again",
    )


def _denied(daemon: Watched) -> int:
    return [failure["code"] for failure in daemon.status()["failures"]].count("AccessDenied")


def counted(daemon: Watched, query: str) -> dict[tuple[str, ...], float]:
    """Return what the trail counts, by its first columns."""
    return {tuple(map(str, row[:-1])): row[-1] for row in rows(daemon.folder, query)}


def positive(values: dict[tuple[str, ...], float]) -> dict[tuple[str, ...], float]:
    """Leave out what was never counted."""
    return {labels: value for labels, value in values.items() if value}


def test_its_objects_are_the_trails_rows(swept: tuple[Prometheus, Watched]) -> None:
    """By method and status, Prometheus holds as many transfers as the trail has rows."""
    prometheus, daemon = swept
    by_row = counted(
        daemon, "SELECT coalesce(method, 'none'), status, COUNT(*) FROM document_logs GROUP BY 1, 2"
    )
    assert positive(prometheus.values("s3mover_objects_total", "method", "status")) == by_row
    assert {status for _, status in by_row} == {"success", "error"}
    assert {method for method, _ in by_row} >= {"server_side_copy", "streaming"}


def test_its_bytes_are_the_trails(swept: tuple[Prometheus, Watched]) -> None:
    """By method, Prometheus holds as many bytes as the trail's successes sum up to."""
    prometheus, daemon = swept
    by_row = counted(
        daemon, "SELECT method, SUM(size_bytes) FROM document_logs WHERE status = 'success' GROUP BY 1"
    )
    assert positive(prometheus.values("s3mover_bytes_total", "method")) == by_row


def test_its_failures_are_the_trails(swept: tuple[Prometheus, Watched]) -> None:
    """By code, Prometheus holds as many failures as the trail."""
    prometheus, daemon = swept
    by_row = counted(
        daemon, "SELECT error_code, COUNT(*) FROM document_logs WHERE status = 'error' GROUP BY 1"
    )
    assert positive(prometheus.values("s3mover_failures_total", "code")) == by_row
    assert by_row["AccessDenied",] >= DENIED


def test_its_durations_are_the_trails(swept: tuple[Prometheus, Watched]) -> None:
    """Each success was timed, and the times sum up to the trail's."""
    prometheus, daemon = swept
    by_row = counted(
        daemon,
        "SELECT method, SUM(duration_us) / 1e6 FROM document_logs WHERE status = 'success' GROUP BY 1",
    )
    held = prometheus.values("s3mover_transfer_duration_seconds_sum", "method")
    assert held == pytest.approx(by_row)


def test_every_skip_and_fallback_is_held(swept: tuple[Prometheus, Watched]) -> None:
    """What was filtered, archived, in place or streamed for want of a permission is counted by its reason."""
    prometheus, _ = swept
    skipped = positive(prometheus.values("s3mover_objects_skipped_total", "reason"))
    assert {reason for (reason,) in skipped} >= {"in_place", "filtered", "InvalidObjectState"}
    assert prometheus.values("s3mover_fallbacks_total", "reason")["AccessDenied",] >= 25
    refused = positive(prometheus.values("sum by (code) (s3mover_s3_requests_total)", "code"))
    assert {code for (code,) in refused} >= {"200", "AccessDenied", "SlowDown"}


def test_its_rules_can_all_be_evaluated(swept: tuple[Prometheus, Watched]) -> None:
    """Prometheus itself evaluates every alert without an error, and none is critical here."""
    prometheus, _ = swept
    wait_until(lambda: all(rule["health"] != "unknown" for rule in prometheus.rules()), "rules are evaluated")
    rules = prometheus.rules()
    assert len(rules) == len(yaml.safe_load(ALERTS.read_text())["groups"][0]["rules"])
    assert {rule["health"] for rule in rules} == {"ok"}
    assert not [rule["name"] for rule in rules if rule["state"] == "firing"]


def expressions() -> list[Any]:
    """Return each expression of the dashboard with its place."""
    dashboard = json.loads(DASHBOARD.read_text())
    found = [
        pytest.param(target["expr"], id=f"{panel['title']}-{target['refId']}")
        for panel in dashboard["panels"]
        for target in panel.get("targets", [])
    ]
    annotations = dashboard["annotations"]["list"]
    return found + [pytest.param(one["expr"], id=one["name"]) for one in annotations if "expr" in one]


def resolved(expression: str) -> str:
    """Replace variables as Grafana does, with everything chosen."""
    variables = {
        variable["name"]: variable.get("allValue") or variable["query"]
        for variable in json.loads(DASHBOARD.read_text())["templating"]["list"]
    }
    grafana = {"__rate_interval": "1m", "__interval": "30s", "__range": "5m"}
    return re.sub(r"\$(\w+)", lambda match: str({**variables, **grafana}[match[1]]), expression)


@pytest.mark.parametrize("expression", expressions())
def test_every_panel_finds_series(swept: tuple[Prometheus, Watched], expression: str) -> None:
    """After every kind of outcome, no expression of the dashboard returns no series."""
    prometheus, _ = swept
    # Alerts are evaluated apart from the scrapes.
    wait_until(lambda: prometheus.query(resolved(expression)), "there is a series")


def test_the_variables_find_their_values(swept: tuple[Prometheus, Watched]) -> None:
    """The label that each variable asks for is there, or absent where no routes are configured."""
    prometheus, daemon = swept
    instances = prometheus.values("s3mover_build_info", "instance")
    assert list(instances) == [(f"127.0.0.1:{daemon.port}",)]
    assert prometheus.values("s3mover_objects_total", "route").keys() == {("",)}


def test_promtool_accepts_the_exposition_and_each_metric_is_known(swept: tuple[Prometheus, Watched]) -> None:
    """Every metric that dashboard and alerts refer to is one that the program exports."""
    _, daemon = swept
    exported = set(METRIC.findall(daemon.metrics()))
    for path in (DASHBOARD, ALERTS):
        assert set(METRIC.findall(path.read_text())) <= exported
