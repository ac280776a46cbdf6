"""The chart with `scaleOut`: a supervisor, a scheduler and workers."""

from pathlib import Path
from typing import Any

import helm_python
import pytest

from s3mover.scale import probe as probed
from s3mover.settings.load import load
from tests.deploy.manifests import check, check_grace, of_kind, settings_of
from tests.deploy.test_chart import BUCKETS, CHART, DSN, GIVEN, Values, render

SCALED: Values = {
    "config": BUCKETS,
    "secrets": {"values": DSN},
    "scaleOut": {"enabled": True, "tls": {"existingSecret": "theirs"}},
}
SETS: dict[str, Values] = {
    "plain": SCALED,
    "autoscaled": SCALED
    | {
        "scaleOut": SCALED["scaleOut"]
        | {"autoscaling": {"enabled": True, "maxReplicas": 20}, "maxUnavailable": "25%"},
        "podMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
        "networkPolicy": {"egressPorts": [443, 3306], "ingressFrom": []},
    },
    "their scheduler": SCALED
    | {
        "scaleOut": SCALED["scaleOut"]
        | {
            "scheduler": "tls://dask.other:8786",
            "schedulerFrom": [{"namespaceSelector": {}}],
            "workers": 7,
            "resources": {"requests": {"cpu": 2}},
        },
        "serviceMonitor": {"enabled": True},
        "replicas": 2,
        "terminationGracePeriodSeconds": 35,
    },
}


def named(manifests: list[dict[str, Any]], kind: str, name: str) -> dict[str, Any]:
    (found,) = (one for one in of_kind(manifests, kind) if one["metadata"]["name"] == name)
    return found


def environment(manifests: list[dict[str, Any]], deployment: str) -> dict[str, str]:
    pod = named(manifests, "Deployment", deployment)["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    return {one["name"]: one.get("value", "") for one in container["env"]}


@pytest.mark.parametrize("values", SETS.values(), ids=SETS)
def test_values_give_sound_manifests(values: Values, tmp_path: Path) -> None:
    report = helm_python.lint(CHART, values, strict=True)
    assert [one for one in report["messages"] if one["severity"] > 1] == []
    manifests = render(values)
    check(manifests, GIVEN)
    named_pods = [
        one for one in of_kind(manifests, "Deployment") if "scheduler" not in one["metadata"]["name"]
    ]
    check_grace(named_pods, settings_of(manifests, tmp_path))
    worker = named(manifests, "Deployment", "documents-s3mover-worker")["spec"]["template"]["spec"]
    assert worker["terminationGracePeriodSeconds"] >= 35
    assert worker["containers"][0]["args"] == ["worker"]


@pytest.mark.parametrize("values", SETS.values(), ids=SETS)
def test_supervisor_and_workers_find_the_scheduler_with_an_identity(values: Values) -> None:
    manifests = render(values)
    for deployment in ("documents-s3mover", "documents-s3mover-worker"):
        variables = {
            name: value for name, value in environment(manifests, deployment).items() if "SCALE" in name
        } | {"S3MOVER_CONFIG": "/dev/null"}
        scale = load(None, variables, {}, buckets=False).scale
        assert scale.scheduler == values["scaleOut"].get(
            "scheduler", "tls://documents-s3mover-scheduler:8786"
        )
        pod = named(manifests, "Deployment", deployment)["spec"]["template"]["spec"]
        (mount,) = (one for one in pod["containers"][0]["volumeMounts"] if one["name"] == "tls")
        for file in (scale.ca_file, scale.certificate_file, scale.key_file):
            assert file.startswith(f"{mount['mountPath']}/")


def test_the_service_of_the_scheduler_selects_it_and_the_daemon_s_no_other(
    manifests: list[dict[str, Any]],
) -> None:
    for service, deployment in (
        ("documents-s3mover-scheduler", "documents-s3mover-scheduler"),
        ("documents-s3mover", "documents-s3mover"),
    ):
        selector = named(manifests, "Service", service)["spec"]["selector"]
        selected = [
            one["metadata"]["name"]
            for one in of_kind(manifests, "Deployment")
            if selector.items() <= one["spec"]["template"]["metadata"]["labels"].items()
        ]
        assert selected == [deployment]


def test_the_scheduler_is_probed_with_its_own_certificate(manifests: list[dict[str, Any]]) -> None:
    """By TLS: a plain connection would be an error in its log at each probe."""
    scheduler = named(manifests, "Deployment", "documents-s3mover-scheduler")
    (container,) = scheduler["spec"]["template"]["spec"]["containers"]
    variables = environment(manifests, "documents-s3mover-scheduler")
    files = [variables[f"S3MOVER_SCALE__{name}_FILE"] for name in ("CA", "CERTIFICATE", "KEY")]
    for probe in ("startupProbe", "livenessProbe"):
        assert container[probe]["exec"]["command"] == ["python3", "-m", probed.__name__, *files]
        assert container[probe]["timeoutSeconds"] > probed.TIMEOUT_SECONDS
    assert container["args"] == ["scheduler"]


def test_the_scheduler_has_no_secret_but_its_certificate_and_only_its_own_may_connect(
    manifests: list[dict[str, Any]],
) -> None:
    scheduler = named(manifests, "Deployment", "documents-s3mover-scheduler")
    pod = scheduler["spec"]["template"]["spec"]
    assert [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume] == ["theirs"]
    assert not any(
        name.endswith("DSN_FILE") for name in environment(manifests, "documents-s3mover-scheduler")
    )
    policy = named(manifests, "NetworkPolicy", "documents-s3mover-scheduler")["spec"]
    assert policy["podSelector"]["matchLabels"] == scheduler["spec"]["selector"]["matchLabels"]
    (rule,) = policy["ingress"]
    assert [port["port"] for port in rule["ports"]] == [8786]
    assert [peer["podSelector"]["matchLabels"] for peer in rule["from"]] == [
        named(manifests, "Deployment", name)["spec"]["selector"]["matchLabels"]
        for name in ("documents-s3mover", "documents-s3mover-worker")
    ]


def test_workers_are_scaled_by_the_ranges_that_are_left() -> None:
    manifests = render(SETS["autoscaled"])
    (scaler,) = of_kind(manifests, "HorizontalPodAutoscaler")
    assert scaler["spec"]["scaleTargetRef"]["name"] == "documents-s3mover-worker"
    assert "replicas" not in named(manifests, "Deployment", "documents-s3mover-worker")["spec"]
    (metric,) = scaler["spec"]["metrics"]
    assert metric["external"]["metric"]["name"] == "s3mover_ranges"
    assert (
        named(render(SETS["their scheduler"]), "Deployment", "documents-s3mover-worker")["spec"]["replicas"]
        == 7
    )


def test_with_limited_egress_the_scheduler_can_be_reached() -> None:
    manifests = render(SETS["autoscaled"])
    for name in ("documents-s3mover", "documents-s3mover-worker"):
        egress = named(manifests, "NetworkPolicy", name)["spec"]["egress"]
        assert [8786] in [[port["port"] for port in rule["ports"]] for rule in egress if "to" in rule]
        assert [53, 53, 443, 3306] in [[port["port"] for port in rule["ports"]] for rule in egress]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"scaleOut": {"enabled": True}, "secrets": {"values": DSN}}, "scaleOut.tls.existingSecret"),
        ({"scaleOut": SCALED["scaleOut"]}, "needs MySQL"),
        (SCALED | {"mode": "cron"}, "requires mode: daemon"),
        (SCALED | {"terminationGracePeriodSeconds": 30}, "plus 10"),
        (SCALED | {"scaleOut": SCALED["scaleOut"] | {"scheduler": "tcp://dask:8786"}}, "scheduler"),
    ],
)
def test_what_cannot_work_is_refused(values: Values, said: str) -> None:
    with pytest.raises(helm_python.HelmError, match=said):
        render(values)


@pytest.fixture
def manifests() -> list[dict[str, Any]]:
    """The manifests of plain values."""
    return render(SCALED)
