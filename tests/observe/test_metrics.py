"""The metrics, compared with the contract's table."""

import math
import subprocess

import pytest
from prometheus_client import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from s3mover.events import (
    AnchorFailed,
    AuditRestored,
    AuditRowsWritten,
    AuditUnavailable,
    CostCounted,
    DaemonStarted,
    DaemonStopped,
    DeletionsEnded,
    DeletionsRefused,
    Event,
    EventsFailed,
    EventsReceived,
    LagMeasured,
    LeaseAcquired,
    LeaseWaiting,
    MachineJoined,
    MachineLeft,
    MachineLost,
    MachineStarted,
    MessageUnreadable,
    ObjectDeleted,
    ObjectFallback,
    ObjectKept,
    ObjectReduced,
    ObjectsInPlace,
    ObjectSkipped,
    ObjectsListed,
    QueueCounted,
    RangeRetried,
    RangesCounted,
    RequestLimitMoved,
    RequestsMade,
    SchedulerRestored,
    SchedulerUnavailable,
    SealsAnchored,
    SealWritten,
    SweepAwaited,
    SweepListed,
    SweepStarted,
    ThrottleChanged,
    WorkerDied,
    WorkerStarted,
)
from s3mover.model import DeletionCounts, LeaderReport, Method, Side, SweepStatus
from s3mover.observe.leader import read_report
from s3mover.observe.metrics.labels import BoundedLabel
from s3mover.observe.metrics.listener import MetricsListener
from s3mover.observe.output import dropped_log_lines
from s3mover.transfer.store_features import PROPERTIES, Feature
from tests.observe.conftest import Clock
from tests.observe.samples import EVERY_KIND, PAIR, failed, finished, moved, planned

# The contract's table, copied.
CONTRACT = """
| `s3mover_objects_total` | counter | `method`, `status` |
| `s3mover_bytes_total` | counter | `method` |
| `s3mover_transfer_duration_seconds` | histogram | `method` |
| `s3mover_failures_total` | counter | `code` |
| `s3mover_fallbacks_total` | counter | `reason` |
| `s3mover_properties_lost_total` | counter | `property` |
| `s3mover_objects_listed_total` | counter | `side` |
| `s3mover_objects_skipped_total` | counter | `reason` |
| `s3mover_sweeps_total` | counter | `status` |
| `s3mover_sweep_duration_seconds` | histogram | – |
| `s3mover_last_sweep_timestamp_seconds` | gauge | `status` |
| `s3mover_backlog_objects`, `s3mover_backlog_bytes`, `s3mover_oldest_waiting_seconds` | gauge | – |
| `s3mover_sweep_progress_ratio`, `s3mover_eta_seconds` | gauge | – |
| `s3mover_inflight_transfers`, `s3mover_threads`, `s3mover_worker_processes` | gauge | – |
| `s3mover_worker_restarts_total` | counter | `reason` |
| `s3mover_s3_requests_total` | counter | `side`, `operation`, `code` |
| `s3mover_throttled_total`, `s3mover_concurrency_limit` | counter, gauge | `side` |
| `s3mover_audit_rows_total`, `s3mover_audit_up`, `s3mover_leader` | counter, gauge, gauge | – |
| `s3mover_build_info` | info | – |
"""  # noqa: RUF001
LOST_PROPERTIES = [*(feature.label for feature in PROPERTIES), "metadata"]
# Features without which a copy lacks nothing.
HARMLESS = {
    Feature.TRAILERS,
    Feature.CHUNKS,
    Feature.OBJECT_CHECKSUM,
    Feature.UNCHECKED,
    Feature.TAG_HEADER,
    Feature.ANNOTATIONS,
}
# What was added since.
ADDED = """
| `s3mover_paused`, `s3mover_window_open`, `s3mover_sweeps_failed_in_a_row` | gauge | – |
| `s3mover_next_sweep_timestamp_seconds` | gauge | – |
| `s3mover_settings_reloads_total` | counter | `status` |
| `s3mover_request_limit` | gauge | `side` |
| `s3mover_log_lines_dropped_total` | counter | – |
| `s3mover_audit_wait_seconds_total` | counter | – |
| `s3mover_cpu_seconds_total`, `s3mover_memory_bytes` | counter, gauge | – |
| `s3mover_machines`, `s3mover_scheduler_up` | gauge | – |
| `s3mover_ranges` | gauge | `status` |
| `s3mover_range_retries_total` | counter | – |
| `s3mover_deletions_total` | counter | `status` |
| `s3mover_deletion_candidates` | gauge | – |
| `s3mover_seals_total`, `s3mover_seals_waiting_for_anchor` | counter, gauge | – |
| `s3mover_lag_seconds` | histogram | `via` |
| `s3mover_events_total` | counter | `kind` |
| `s3mover_event_queue_messages` | gauge | `state` |
| `s3mover_event_errors_total` | counter | – |
| `s3mover_event_oldest_message_seconds` | gauge | – |
| `s3mover_cost_usd_total` | counter | `kind` |
| `s3mover_cost_limit_reached` | gauge | – |
| `s3mover_leader_report_age_seconds` | gauge | `leader` |
| `s3mover_leader_sweep_objects` | gauge | `leader`, `status` |
"""  # noqa: RUF001
NO_LABELS = "\N{EN DASH}"
SUFFIX = {"counter": "_total", "info": "_info"}


def contract() -> dict[str, tuple[str, frozenset[str]]]:
    """Return type and labels of each metric of the contract."""
    table = {}
    for row in (CONTRACT.strip() + ADDED.rstrip()).splitlines():
        names, types, labels = (
            [word.strip(" `") for word in cell.split(",")] for cell in row.split("|")[1:4]
        )
        for number, name in enumerate(names):
            table[name] = (types[number % len(types)], frozenset(labels) - {NO_LABELS})
    return table


@pytest.fixture
def metrics(clock: Clock) -> MetricsListener:
    """Return the metrics of a fresh run."""
    return MetricsListener("0.1.0", clock)


@pytest.fixture
def busy(metrics: MetricsListener) -> MetricsListener:
    """Return metrics after an event of every kind."""
    for event in EVERY_KIND:
        metrics(event)
    metrics.leader = read_report(
        LeaderReport("pod-1", "", '{"sweep": {"planned": 6}}', 1.0, is_alive=True), 0.0
    )
    return metrics


def families(metrics: MetricsListener) -> list[Metric]:
    """Scrape as OpenMetrics, whose parser is strict."""
    body, _ = metrics.exposition("application/openmetrics-text")
    return list(parse_openmetrics(body.decode()))  # type: ignore[no-untyped-call]


def value(metrics: MetricsListener, name: str, **labels: str) -> float | None:
    """Return one sample, None if there is no such series."""
    body, _ = metrics.exposition("")
    for family in parse_text(body.decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return sample.value
    return None


def test_the_metrics_are_those_of_the_contract(busy: MetricsListener) -> None:
    """Names, types and labels are those of the table: no metric more, none fewer."""
    shown = {}
    for family in families(busy):
        labels = {label for sample in family.samples for label in sample.labels}
        ignored = {"le"} if family.type == "histogram" else {"version"} if family.type == "info" else set()
        shown[family.name + SUFFIX.get(family.type, "")] = (family.type, frozenset(labels - ignored))
    assert shown == contract()


def test_dropped_lines_of_the_log_are_counted(metrics: MetricsListener) -> None:
    """The count is read at each scrape: while the log is stuck, no event tells of it."""
    before = value(metrics, "s3mover_log_lines_dropped_total")
    dropped_log_lines.add(3)
    assert before is not None
    assert value(metrics, "s3mover_log_lines_dropped_total") == before + 3


def test_every_metric_is_there_from_the_first_scrape(metrics: MetricsListener) -> None:
    """A dashboard finds all names from the start."""
    assert {family.name + SUFFIX.get(family.type, "") for family in families(metrics)} == set(contract())


def test_each_feature_of_a_store_is_a_property_or_harmless() -> None:
    """A new one must take its side, so that the loss of a property is counted from 0 on."""
    assert set(Feature) - set(PROPERTIES) == HARMLESS


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("s3mover_objects_total", {"method": "server_side_copy", "status": "success"}),
        ("s3mover_objects_total", {"method": "server_side_copy", "status": "error"}),
        ("s3mover_objects_total", {"method": "streaming", "status": "success"}),
        ("s3mover_objects_total", {"method": "streaming", "status": "error"}),
        ("s3mover_objects_total", {"method": "none", "status": "error"}),
        ("s3mover_bytes_total", {"method": "streaming"}),
        ("s3mover_transfer_duration_seconds_count", {"method": "streaming"}),
        ("s3mover_failures_total", {"code": "AccessDenied"}),
        ("s3mover_fallbacks_total", {"reason": "AccessDenied"}),
        ("s3mover_objects_listed_total", {"side": "source"}),
        ("s3mover_objects_skipped_total", {"reason": "in_place"}),
        ("s3mover_sweeps_total", {"status": "completed"}),
        ("s3mover_sweeps_total", {"status": "failed"}),
        ("s3mover_sweeps_total", {"status": "interrupted"}),
        ("s3mover_s3_requests_total", {"side": "destination", "operation": "CopyObject", "code": "200"}),
        (
            "s3mover_s3_requests_total",
            {"side": "source", "operation": "ListObjectsV2", "code": "ExpiredToken"},
        ),
        ("s3mover_s3_requests_total", {"side": "source", "operation": "HeadObject", "code": "200"}),
        ("s3mover_throttled_total", {"side": "destination"}),
        ("s3mover_worker_restarts_total", {"reason": "exit -9"}),
        ("s3mover_worker_restarts_total", {"reason": "silent"}),
        ("s3mover_worker_restarts_total", {"reason": "stuck"}),
        ("s3mover_failures_total", {"code": "WorkerDied"}),
        *(("s3mover_properties_lost_total", {"property": name}) for name in LOST_PROPERTIES),
        ("s3mover_audit_rows_total", {}),
    ],
)
def test_counters_stand_at_zero_before_their_first_event(
    metrics: MetricsListener, name: str, labels: dict[str, str]
) -> None:
    """`rate()` sees the first increase only where the series existed before."""
    assert value(metrics, name, **labels) == 0


@pytest.mark.process
def test_promtool_accepts_the_exposition(busy: MetricsListener) -> None:
    """Prometheus' own linter accepts names, types, help and syntax."""
    body, _ = busy.exposition("")
    result = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


def test_keys_and_messages_are_never_labels(metrics: MetricsListener) -> None:
    """No series contains the key of an object or the message of an error."""
    metrics(moved("secret-key"))
    metrics(failed("secret-key", message="secret-message"))
    metrics(ObjectFallback(7, "secret-key", "AccessDenied", "secret-message"))
    metrics(ObjectSkipped(7, "secret-key", 1, "NoSuchKey", "secret-message"))
    assert b"secret" not in metrics.exposition("")[0]


def test_two_runs_do_not_share_their_counts(metrics: MetricsListener) -> None:
    """Each listener has a registry of its own."""
    metrics(moved())
    other = MetricsListener("0.1.0")
    assert value(other, "s3mover_objects_total", method="server_side_copy", status="success") == 0


def test_a_moved_object_counts_by_its_method(metrics: MetricsListener) -> None:
    """Number, bytes and duration go to the method that was used."""
    metrics(moved(size=300, method=Method.STREAMING, seconds=0.25))
    assert value(metrics, "s3mover_objects_total", method="streaming", status="success") == 1
    assert value(metrics, "s3mover_bytes_total", method="streaming") == 300
    assert value(metrics, "s3mover_transfer_duration_seconds_sum", method="streaming") == 0.25
    assert value(metrics, "s3mover_bytes_total", method="server_side_copy") == 0


def test_a_failure_without_a_method_is_counted(metrics: MetricsListener) -> None:
    """Failures are counted without bytes and duration."""
    metrics(failed(method=Method.SERVER_SIDE_COPY))
    metrics(failed(method=None))
    assert value(metrics, "s3mover_objects_total", method="server_side_copy", status="error") == 1
    assert value(metrics, "s3mover_objects_total", method="none", status="error") == 1
    assert value(metrics, "s3mover_transfer_duration_seconds_count", method="server_side_copy") == 0


def test_buckets_reach_from_a_millisecond_to_an_hour(metrics: MetricsListener) -> None:
    """The quickest copy and the longest multipart transfer fall into different buckets."""
    metrics(moved(seconds=0.0005))
    metrics(moved(seconds=3_000))
    name, labels = "s3mover_transfer_duration_seconds_bucket", {"method": "server_side_copy"}
    assert value(metrics, name, le="0.001", **labels) == 1
    assert value(metrics, name, le="900.0", **labels) == 1
    assert value(metrics, name, le="3600.0", **labels) == 2


def test_the_backlog_rises_and_falls(metrics: MetricsListener) -> None:
    """Planned transfers wait until they end; a sweep's end leaves none."""
    metrics(SweepStarted(7, PAIR))
    metrics(planned(3, size=100))
    metrics(moved(size=100))
    assert value(metrics, "s3mover_backlog_objects") == 2
    assert value(metrics, "s3mover_backlog_bytes") == 200
    metrics(finished(status=SweepStatus.INTERRUPTED))
    assert value(metrics, "s3mover_backlog_objects") == 0
    assert value(metrics, "s3mover_backlog_bytes") == 0


def test_the_oldest_ages_with_the_clock(metrics: MetricsListener, clock: Clock) -> None:
    """The age is taken at the scrape, and is zero when nothing waits."""
    assert value(metrics, "s3mover_oldest_waiting_seconds") == 0
    metrics(SweepStarted(7, PAIR))
    metrics(planned(1, oldest="1970-01-01T00:15:00Z"))
    assert value(metrics, "s3mover_oldest_waiting_seconds") == 100
    clock.now += 50
    assert value(metrics, "s3mover_oldest_waiting_seconds") == 150
    clock.now = 0
    assert value(metrics, "s3mover_oldest_waiting_seconds") == 0


def test_no_more_is_in_flight_than_there_are_threads(metrics: MetricsListener) -> None:
    """What waits beyond the threads is not being worked on."""
    metrics(SweepStarted(7, PAIR))
    metrics(WorkerStarted(0, 4711, 2))
    metrics(planned(5))
    assert value(metrics, "s3mover_inflight_transfers") == 2
    for _ in range(4):
        metrics(moved())
    assert value(metrics, "s3mover_inflight_transfers") == 1


def test_workers_come_and_go(metrics: MetricsListener) -> None:
    """A dead worker takes its threads along and counts as a restart; a stop leaves none."""
    for number in range(3):
        metrics(WorkerStarted(number, 4711 + number, 50))
    metrics(WorkerDied(1, "exit -9", 3))
    assert value(metrics, "s3mover_worker_processes") == 2
    assert value(metrics, "s3mover_threads") == 100
    assert value(metrics, "s3mover_worker_restarts_total", reason="exit -9") == 1
    metrics(DaemonStopped(1))
    assert value(metrics, "s3mover_worker_processes") == 0
    assert value(metrics, "s3mover_threads") == 0


def test_a_sweeps_end_is_counted_timed_and_dated(metrics: MetricsListener) -> None:
    """Each status has its own count and its own latest time."""
    metrics(finished(status=SweepStatus.FAILED))
    assert value(metrics, "s3mover_sweeps_total", status="failed") == 1
    assert value(metrics, "s3mover_sweep_duration_seconds_sum") == 22.61
    assert value(metrics, "s3mover_last_sweep_timestamp_seconds", status="failed") == 1_736_000_000.25
    assert math.isnan(value(metrics, "s3mover_last_sweep_timestamp_seconds", status="completed") or 0.0)


def test_deletions_are_counted_by_what_became_of_them(metrics: MetricsListener) -> None:
    """Done, failed, refused by a limit; candidates are what is left of the last sweep, confirmed or not."""
    for status in ("success", "error", "refused"):
        assert value(metrics, "s3mover_deletions_total", status=status) == 0
    metrics(ObjectDeleted(7, "in/a", 100))
    metrics(ObjectKept(7, "in/b", "AccessDenied", "no"))
    metrics(DeletionsRefused(7, 2000, "too many"))
    metrics(DeletionsEnded(7, DeletionCounts(deleted=1, failed=1, waiting=5, confirmed=2001)))
    assert value(metrics, "s3mover_deletions_total", status="success") == 1
    assert value(metrics, "s3mover_deletions_total", status="error") == 1
    assert value(metrics, "s3mover_deletions_total", status="refused") == 2000
    assert value(metrics, "s3mover_deletion_candidates") == 2006


def test_costs_add_up_by_kind_and_a_reached_limit_is_told(metrics: MetricsListener) -> None:
    """In dollars; a kind whose share became cheaper counts nothing back."""
    assert value(metrics, "s3mover_cost_usd_total", kind="transfer") == 0
    for added, reached in (
        ({"transfer": 1_500_000}, "the limit"),
        ({"transfer": 250_000, "retrieval": -1}, ""),
    ):
        metrics(CostCounted(7, added, {}, 0, 0, (), reached))
        assert value(metrics, "s3mover_cost_limit_reached") == bool(reached)
    assert value(metrics, "s3mover_cost_usd_total", kind="transfer") == 1.75
    assert value(metrics, "s3mover_cost_usd_total", kind="retrieval") == 0


def test_an_instance_that_stands_by_is_not_held_back_by_a_limit(metrics: MetricsListener) -> None:
    """The alert is about the leader."""
    metrics(CostCounted(7, {}, {}, 0, 0, (), "the limit"))
    metrics(LeaseWaiting(PAIR))
    assert value(metrics, "s3mover_cost_limit_reached") == 0
    assert value(metrics, "s3mover_cost_usd_total", kind="transfer") == 0


def test_skips_and_requests_are_counted_by_reason_and_code(metrics: MetricsListener) -> None:
    """Objects in place and vanished ones share a metric; requests have side, operation and code."""
    metrics(ObjectsInPlace("too_young", 3))
    metrics(ObjectSkipped(7, "in/d", 1, "NoSuchKey", "gone"))
    metrics(RequestsMade(Side.SOURCE, "GetObject", "SlowDown", 4))
    assert value(metrics, "s3mover_objects_skipped_total", reason="too_young") == 3
    assert value(metrics, "s3mover_objects_skipped_total", reason="NoSuchKey") == 1
    assert (
        value(metrics, "s3mover_s3_requests_total", side="source", operation="GetObject", code="SlowDown")
        == 4
    )


def test_failures_are_counted_by_code(metrics: MetricsListener) -> None:
    """Failures are counted by code, without the names of objects."""
    metrics(failed())
    metrics(failed(method=None))
    assert value(metrics, "s3mover_failures_total", code="AccessDenied") == 2


def test_progress_and_time_left_are_exposed_if_known(metrics: MetricsListener) -> None:
    """Between sweeps neither is a number; when the listing has ended both are."""

    def progress_and_eta() -> tuple[float, float]:
        progress, left = value(metrics, "s3mover_sweep_progress_ratio"), value(metrics, "s3mover_eta_seconds")
        assert progress is not None
        assert left is not None
        return progress, left

    assert all(map(math.isnan, progress_and_eta()))
    metrics(SweepStarted(7, PAIR))
    metrics(ObjectsInPlace("in_place", 3))
    metrics(planned(1))
    metrics(SweepListed(7, 4, 3, 1))
    metrics(moved())
    assert progress_and_eta() == (1.0, 0.0)


def test_listings_and_fallbacks_are_counted(metrics: MetricsListener) -> None:
    """Listed objects count by their side, fallbacks by their reason."""
    metrics(ObjectsListed(Side.DESTINATION, 1_000))
    metrics(ObjectFallback(7, "in/c.pdf", "AccessDenied", "not permitted"))
    assert value(metrics, "s3mover_objects_listed_total", side="destination") == 1_000
    assert value(metrics, "s3mover_objects_listed_total", side="source") == 0
    assert value(metrics, "s3mover_fallbacks_total", reason="AccessDenied") == 1


def test_what_was_lost_counts_by_its_name(metrics: MetricsListener) -> None:
    """An object that lost two of its properties counts for both."""
    metrics(ObjectReduced(7, "in/c.pdf", ("tags", "acl")))
    metrics(ObjectReduced(7, "in/d.pdf", ("tags",)))
    assert value(metrics, "s3mover_properties_lost_total", property="tags") == 2
    assert value(metrics, "s3mover_properties_lost_total", property="acl") == 1


def test_the_throttle_tells_its_limit_and_its_refusals(metrics: MetricsListener) -> None:
    """The limit begins at all threads and follows the throttle."""
    metrics(DaemonStarted("0.1.0", PAIR, 2, 150))
    assert value(metrics, "s3mover_concurrency_limit", side="source") == 150
    metrics(ThrottleChanged(Side.SOURCE, 40, 12))
    assert value(metrics, "s3mover_concurrency_limit", side="source") == 40
    assert value(metrics, "s3mover_throttled_total", side="source") == 12
    assert value(metrics, "s3mover_throttled_total", side="destination") == 0


def test_the_limit_in_force_is_endless_where_there_is_none(metrics: MetricsListener) -> None:
    """It is exposed for both sides from the start, follows each change, and is +Inf without a limit."""
    assert value(metrics, "s3mover_request_limit", side="destination") == math.inf
    metrics(RequestLimitMoved(Side.DESTINATION, 475.0))
    assert value(metrics, "s3mover_request_limit", side="destination") == 475
    assert value(metrics, "s3mover_request_limit", side="source") == math.inf
    metrics(RequestLimitMoved(Side.DESTINATION, 0.0))
    assert value(metrics, "s3mover_request_limit", side="destination") == math.inf


def test_a_leader_without_its_database_is_none(metrics: MetricsListener) -> None:
    """The lease is held by the connection that writes the trail."""

    def seen() -> tuple[float | None, float | None]:
        return value(metrics, "s3mover_audit_up"), value(metrics, "s3mover_leader")

    assert seen() == (0, 0)
    metrics(LeaseWaiting(PAIR))
    assert seen() == (1, 0)
    metrics(LeaseAcquired(PAIR))
    assert seen() == (1, 1)
    metrics(AuditUnavailable("away"))
    assert seen() == (0, 0)
    metrics(AuditRestored(1.0))
    assert seen() == (1, 1)
    metrics(DaemonStopped(1))
    assert seen() == (1, 0)


def test_rows_that_were_written_show_that_the_database_is_up(metrics: MetricsListener) -> None:
    """A single sweep needs no lease event to know its database."""
    metrics(AuditRowsWritten(6))
    assert value(metrics, "s3mover_audit_rows_total") == 6
    assert value(metrics, "s3mover_audit_up") == 1


def test_the_build_is_named(metrics: MetricsListener) -> None:
    """The version is a label of an info metric."""
    assert value(metrics, "s3mover_build_info", version="0.1.0") == 1


def test_codes_without_end_end_in_other(metrics: MetricsListener) -> None:
    """A store with arbitrary codes cannot fill the memory of Prometheus."""
    for number in range(200):
        metrics(RequestsMade(Side.SOURCE, "GetObject", f"Code{number}", 1))
    body, _ = metrics.exposition("")
    assert body.count(b'operation="GetObject"') == 52
    labels = {"side": "source", "operation": "GetObject", "code": "other"}
    assert value(metrics, "s3mover_s3_requests_total", **labels) == 150


@pytest.mark.parametrize("odd", ["", "a\nb", "\udc80", "x" * 65, 'quote"'])
def test_a_label_that_looks_like_no_code_is_other(odd: str) -> None:
    """Rubbish from a store never becomes a series, nor breaks the scrape."""
    assert BoundedLabel()(odd) == "other"


def test_a_label_once_admitted_stays() -> None:
    """Reaching the limit does not take a value's series away."""
    label = BoundedLabel(limit=1)
    assert [label("SlowDown"), label("InternalError"), label("SlowDown")] == ["SlowDown", "other", "SlowDown"]


def test_no_created_series_are_shown(busy: MetricsListener) -> None:
    """They would double the number of series."""
    assert b"_created" not in busy.exposition("")[0]
    assert b"_created" not in busy.exposition("application/openmetrics-text")[0]


def test_a_sweeps_wait_for_the_database_is_counted_apart(metrics: MetricsListener) -> None:
    """The duration of a sweep includes it."""
    metrics(finished(outage_seconds=12.5))
    metrics(finished())
    assert value(metrics, "s3mover_audit_wait_seconds_total") == 12.5


@pytest.mark.parametrize("event", [LeaseWaiting(PAIR), LeaseAcquired(PAIR)])
def test_who_takes_or_loses_the_lease_has_failed_at_nothing_yet(
    metrics: MetricsListener, event: Event
) -> None:
    """The alert on failing sweeps is about the leader."""
    metrics(SweepAwaited(120.0, 3))
    assert value(metrics, "s3mover_sweeps_failed_in_a_row") == 3
    metrics(event)
    assert value(metrics, "s3mover_sweeps_failed_in_a_row") == 0


def test_before_the_first_sweep_its_time_is_unknown(metrics: MetricsListener) -> None:
    """The series is there from the start, with a value that no alert compares."""
    before = value(metrics, "s3mover_last_sweep_timestamp_seconds", status="completed")
    assert before is not None
    assert math.isnan(before)


def test_the_lag_is_measured_by_what_led_to_the_transfer(metrics: MetricsListener) -> None:
    metrics(LagMeasured("event", (0.2, 0.4)))
    metrics(LagMeasured("sweep", (60.0,)))
    assert value(metrics, "s3mover_lag_seconds_count", via="event") == 2
    assert value(metrics, "s3mover_lag_seconds_sum", via="sweep") == 60


def test_messages_that_are_not_counted_are_unknown(metrics: MetricsListener) -> None:
    metrics(QueueCounted(5, 2, 0, None, 3.5))
    assert value(metrics, "s3mover_event_queue_messages", state="visible") == 5
    assert math.isnan(value(metrics, "s3mover_event_queue_messages", state="dead_letter") or 0)
    assert value(metrics, "s3mover_event_oldest_message_seconds") == 3.5


def test_an_unreadable_message_is_an_event_and_an_error(metrics: MetricsListener) -> None:
    metrics(EventsReceived("created", 4))
    metrics(MessageUnreadable("id", "not JSON"))
    metrics(EventsFailed("refused"))
    assert value(metrics, "s3mover_events_total", kind="created") == 4
    assert value(metrics, "s3mover_events_total", kind="unreadable") == 1
    assert value(metrics, "s3mover_event_errors_total") == 2


def test_machines_are_counted_as_they_come_and_go(metrics: MetricsListener) -> None:
    assert str(value(metrics, "s3mover_scheduler_up")) == "nan"
    metrics(MachineJoined("one", "tls://one:1", "1.0", 1))
    metrics(MachineJoined("two", "tls://two:1", "1.0", 2))
    assert value(metrics, "s3mover_machines") == 2
    assert value(metrics, "s3mover_scheduler_up") == 1
    metrics(MachineLost("one", "tls://one:1", 1))
    assert value(metrics, "s3mover_machines") == 1
    metrics(MachineLeft("two", "tls://two:1", 0))
    assert value(metrics, "s3mover_machines") == 0


def test_without_a_scheduler_there_are_no_machines(metrics: MetricsListener) -> None:
    metrics(MachineJoined("one", "tls://one:1", "1.0", 1))
    metrics(SchedulerUnavailable("gone"))
    assert (value(metrics, "s3mover_machines"), value(metrics, "s3mover_scheduler_up")) == (0, 0)
    metrics(SchedulerRestored(1.0))
    assert value(metrics, "s3mover_scheduler_up") == 1


def test_ranges_are_counted_by_status_and_their_retries(metrics: MetricsListener) -> None:
    metrics(RangesCounted(7, 3, 2, 5))
    found = {
        status: value(metrics, "s3mover_ranges", status=status)
        for status in ("waiting", "running", "completed")
    }
    assert found == {"waiting": 3, "running": 2, "completed": 5}
    metrics(RangeRetried(7, 3, 2, "lost"))
    assert value(metrics, "s3mover_range_retries_total") == 1


def test_a_machine_neither_leads_nor_misses_the_database_before_it_needs_it(metrics: MetricsListener) -> None:
    metrics(MachineStarted("one"))
    assert str(value(metrics, "s3mover_leader")) == "nan"
    assert value(metrics, "s3mover_audit_up") == 1
    metrics(AuditUnavailable("gone"))
    assert value(metrics, "s3mover_audit_up") == 0


def test_seals_are_counted_and_those_that_wait_for_the_anchor(metrics: MetricsListener) -> None:
    """Without an anchor none waits: the value is not a number."""
    waiting = "s3mover_seals_waiting_for_anchor"
    assert (value(metrics, "s3mover_seals_total"), str(value(metrics, waiting))) == (0, "nan")
    metrics(SealWritten(7, "sweep", 1, 3, "r", "h", "2025-01-04 03:17:32", late=False, signed=False))
    metrics(AnchorFailed(1, 1, "AccessDenied", "Access Denied"))
    assert (value(metrics, "s3mover_seals_total"), value(metrics, waiting)) == (1, 1)
    metrics(SealsAnchored(1, 0))
    assert value(metrics, waiting) == 0
