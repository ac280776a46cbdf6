"""The Helm chart, rendered by Helm's own engine with many sets of values, and the manifests rendered from it."""

import filecmp
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from s3mover.settings import value_of
from s3mover.settings.load import load
from testkit.waiting import TOO_LONG
from tests.deploy.container_engine import ROOT
from tests.deploy.manifests import check, check_grace, of_kind, pods, seconds, settings_of

CHART = ROOT / "deploy" / "helm" / "s3mover"
MANIFESTS = ROOT / "deploy" / "kubernetes"
DSN = {"MYSQL_DSN": "mysql://mover:p%40ss@db:3306/audit"}
Values = dict[str, Any]
BUCKETS = {"source": {"bucket": "documents"}, "destination": {"bucket": "documents-copy"}}

SETS: dict[str, Values] = {
    "nothing": {},
    "standby": {
        "replicas": 3,
        "secrets": {"values": DSN},
        "config": {**BUCKETS, "stop": {"grace": "1m30s"}, "http": {"port": 9100}},
    },
    "irsa": {
        "serviceAccount": {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::111111111111:role/x"}},
        "secrets": {"existingSecret": "theirs", "keys": ["MYSQL_DSN"]},
        "config": {**BUCKETS, "destination": {"bucket": "documents-copy", "account_id": "012345678901"}},
    },
    "environment": {
        "secrets": {
            "values": {**DSN, "SRC_ACCESS_KEY": "a", "SRC_SECRET_KEY": "b", "S3MOVER_AUDIT__RETENTION": "7d"},
            "as": "environment",
        },
        "extraEnv": [{"name": "TZ", "value": "Europe/Berlin"}],
        "extraEnvFrom": [{"configMapRef": {"name": "more"}}],
    },
    "cron": {
        "mode": "cron",
        "cron": {"schedule": "5 3 * * *", "timeZone": "Europe/Berlin"},
        "persistence": {"enabled": True, "storageClass": "gp3"},
        "config": {**BUCKETS, "filter": {"exclude": ["*.tmp"], "min_age": "5m"}},
    },
    "watched": {
        "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}, "interval": "30s"},
        "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
        "grafanaDashboard": {"enabled": True, "annotations": {"folder": "Storage"}},
        "networkPolicy": {
            "enabled": True,
            "ingressFrom": [{"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}],
            "extraEgress": [{"to": [{"ipBlock": {"cidr": "169.254.170.23/32"}}], "ports": [{"port": 80}]}],
        },
    },
    "placed": {
        "replicas": 2,
        "secrets": {"values": DSN},
        "nodeSelector": {"kubernetes.io/arch": "amd64"},
        "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
        "affinity": {"nodeAffinity": {}},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "topology.kubernetes.io/zone",
                "whenUnsatisfiable": "ScheduleAnyway",
            }
        ],
        "priorityClassName": "batch",
        "podAnnotations": {"team": "storage"},
        "podLabels": {"cost-centre": "42"},
        "imagePullSecrets": [{"name": "registry"}],
        "image": {"repository": "registry.example/s3mover", "digest": "sha256:" + "0" * 64},
        "terminationGracePeriodSeconds": 120,
        "resources": {"requests": {"cpu": 2, "memory": "1.5Gi"}, "limits": {"memory": "2Gi"}},
    },
    "trusting": {
        "fullnameOverride": "mover",
        "persistence": {"enabled": True, "existingClaim": "theirs"},
        "serviceAccount": {"create": False},
        "extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}],
        "extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}],
        "extraArgs": ["--set", "transfer.threads=300"],
        "config": {
            **BUCKETS,
            "summary": {"keep": "1000000"},
            "transfer": {"part_size": "128MiB", "processes": 4},
        },
    },
    "leader": {
        "replicas": 2,
        "secrets": {"values": DSN},
        "leaderService": {"enabled": True, "annotations": {"a": "b"}},
    },
    "openshift": {
        "podSecurityContext": {"runAsUser": None, "runAsGroup": None, "fsGroup": None},
        "service": {"port": 80, "annotations": {"a": "b"}},
        "startupProbe": None,
        "nameOverride": "documents",
    },
}
GIVEN = frozenset({("Secret", "theirs"), ("PersistentVolumeClaim", "theirs"), ("ConfigMap", "ca")})


def render(values: Values, name: str = "documents") -> list[dict[str, Any]]:
    """Render the chart and return its manifests, those of `helm test` among them."""
    rendered = helm_python.Chart.load(CHART).render(values, name=name, namespace="storage")
    texts = [text for template, text in rendered.items() if template.endswith(".yaml")]
    return [one for text in texts for one in yaml.safe_load_all(text) if one]


@pytest.mark.parametrize("values", SETS.values(), ids=SETS)
def test_values_give_sound_manifests(values: Values, tmp_path: Path) -> None:
    """Valid by the strict schemas, whole in their references, restricted, and with settings that the loader accepts."""
    report = helm_python.lint(CHART, values, strict=True)
    assert [one for one in report["messages"] if one["severity"] > 1] == []
    manifests = render(values)
    check(manifests, GIVEN)
    settings = settings_of(manifests, tmp_path)
    check_grace(manifests, settings)
    for section, chosen in values.get("config", {}).items():
        names = {f"{section}.{name}": value for name, value in chosen.items()}
        wanted = load(None, {}, names, buckets=False)
        assert [value_of(settings, name) for name in names] == [value_of(wanted, name) for name in names]


def test_the_leader_has_a_service_only_where_that_is_wanted() -> None:
    """It needs the right to patch pods, and the token of the service account; else the API is not used at all."""
    wanted: Values = {"replicas": 2, "secrets": {"values": DSN}, "leaderService": {"enabled": True}}
    for values, on in ((wanted, True), ({**wanted, "leaderService": {"enabled": False}}, False)):
        manifests = {(one["kind"], one["metadata"]["name"]): one for one in render(values)}
        pod = manifests["Deployment", "documents-s3mover"]["spec"]["template"]
        named = {one["name"]: one for one in pod["spec"]["containers"][0]["env"]}
        assert pod["spec"]["automountServiceAccountToken"] is on
        assert ("S3MOVER_KUBERNETES__LEADER_LABEL" in named) is on
        assert {kind for kind, _ in manifests} & {"Role", "RoleBinding"} == (
            {"Role", "RoleBinding"} if on else set()
        )
        assert named["S3MOVER_KUBERNETES__POD"]["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
        assert named["S3MOVER_HTTP__URL"]["value"] == "http://$(POD_IP):8080"
        if on:
            role = manifests["Role", "documents-s3mover-leader"]
            assert role["rules"] == [{"apiGroups": [""], "resources": ["pods"], "verbs": ["patch"]}]
            selector = manifests["Service", "documents-s3mover-leader"]["spec"]["selector"]
            label = named["S3MOVER_KUBERNETES__LEADER_LABEL"]["value"]
            assert selector.pop(label) == "true"
            assert selector.items() <= pod["metadata"]["labels"].items()


REFUSED = {
    "an unknown value": ({"replica": 2}, "replica"),
    "an unknown nested value": ({"image": {"name": "x"}}, "name"),
    "two instances on SQLite": ({"replicas": 2}, "MySQL"),
    "two sources of secrets": (
        {"secrets": {"existingSecret": "a", "keys": ["MYSQL_DSN"], "values": DSN}},
        "both",
    ),
    "a secret without its keys": ({"secrets": {"existingSecret": "a"}}, "secrets.keys"),
    "a secret that s3mover has no name for": ({"secrets": {"values": {"PASSWORD": "x"}}}, "PASSWORD"),
    "less grace than it needs": ({"terminationGracePeriodSeconds": 25}, "stop.grace"),
    "two monitors": ({"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}}, "podMonitor"),
    "a runbook without an address": ({"prometheusRule": {"runbookUrl": "docs/runbook.md"}}, "runbookUrl"),
    "a mode that is none": ({"mode": "job"}, "mode"),
    "a tag that is none": ({"image": {"tag": "a b"}}, "tag"),
}


SECRET = "very-secret"
# What would show a secret in a ConfigMap, in a Deployment or among the processes of a node.
SHOWN_SECRETS: dict[str, tuple[Values, str]] = {
    "a secret key": ({"config": {"source": {"secret_key": SECRET}}}, "/config/source/secret_key"),
    "a session token": (
        {"config": {"destination": {"session_token": SECRET}}},
        "/config/destination/session_token",
    ),
    "a route's secret key": (
        {"config": {"routes": [{"name": "a", "source": {"secret_key": SECRET}}]}},
        "/config/routes/0/source/secret_key",
    ),
    "a URL with a password": (
        {"config": {"audit": {"url": f"mysql://mover:{SECRET}@db:3306/audit"}}},
        "/config/audit/url",
    ),
    "a DSN with a password": (
        {"config": {"audit": {"url": f"mover:{SECRET}@tcp(db:3306)/audit"}}},
        "/config/audit/url",
    ),
    "a password with every sign": (
        {"config": {"audit": {"url": f"mysql://mover:{SECRET}/@:?#@db/audit"}}},
        "/config/audit/url",
    ),
    "an environment variable": (
        {"extraEnv": [{"name": "SRC_SECRET_KEY", "value": SECRET}]},
        "/extraEnv/0",
    ),
    "a DSN in the environment": (
        {"extraEnv": [{"name": "MYSQL_DSN", "value": f"mysql://mover:{SECRET}@db/audit"}]},
        "/extraEnv/0/value",
    ),
    "an argument": ({"extraArgs": ["--set", f"source.secret_key={SECRET}"]}, "/extraArgs/1"),
    "a DSN among the arguments": (
        {"extraArgs": ["--set", f"audit.url=mysql://mover:{SECRET}@db/audit"]},
        "/extraArgs/1",
    ),
}
HARMLESS: list[Values] = [
    {"config": {"audit": {"url": url}}}
    for url in (
        "mysql://u@h:3306/n?a=b",
        "u@tcp(h:3306)/n",
        "sqlite:////data/a:b@c.db",
        "sqlite:///s3mover.db",
    )
] + [
    {"config": {"source": {"endpoint_url": "https://s3.example:9000", "secret_key": ""}}},
    {"config": {"filter": {"exclude": ["a:b@c/*"]}}},
    {
        "extraEnv": [
            {"name": "SRC_SECRET_KEY", "valueFrom": {"secretKeyRef": {"name": "a", "key": "b"}}},
            {"name": "SRC_SECRET_KEY_FILE", "value": "/x"},
        ]
    },
]


@pytest.mark.parametrize(("values", "named"), SHOWN_SECRETS.values(), ids=SHOWN_SECRETS)
def test_a_secret_where_it_would_be_shown_is_refused(values: Values, named: str) -> None:
    """The message names the place, and does not repeat the secret."""
    with pytest.raises(helm_python.HelmError) as refused:
        render(values)
    assert named in str(refused.value)
    assert SECRET not in str(refused.value)


@pytest.mark.parametrize("values", HARMLESS)
def test_what_is_no_secret_is_accepted(values: Values) -> None:
    """An address, a user without a password, a reference to a Secret."""
    assert render(values)


def policy(values: Values) -> dict[str, Any]:
    (one,) = of_kind(render(values), "NetworkPolicy")
    spec: dict[str, Any] = one["spec"]
    return spec


def test_only_named_peers_reach_the_http_port() -> None:
    """By default those of the monitoring namespace and `helm test`; every rule names some, as none would admit all."""
    monitoring = {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "monitoring"}}}
    (rule,) = policy({})["ingress"]
    assert rule["from"][0] == monitoring
    sets: list[Values] = [{}, {"networkPolicy": {"ingressFrom": []}}, SETS["watched"]]
    for values in sets:
        (rule,) = policy(values)["ingress"]
        named, own = rule["from"][:-1], rule["from"][-1]
        assert own["podSelector"]["matchLabels"]["app.kubernetes.io/name"] == "s3mover-ready"
        assert named == values.get("networkPolicy", {}).get("ingressFrom", [monitoring])
    assert policy({"mode": "cron"})["ingress"] == []
    assert of_kind(render({"networkPolicy": {"enabled": False}}), "NetworkPolicy") == []


def test_connections_to_others_are_limited_only_if_ports_are_named() -> None:
    """The chart does not know the ports of database and endpoints."""
    assert policy({})["policyTypes"] == ["Ingress"]
    assert "egress" not in policy({})
    limited = policy({"networkPolicy": {"egressPorts": [443]}})
    assert limited["policyTypes"] == ["Ingress", "Egress"]
    assert [port["port"] for port in limited["egress"][0]["ports"]] == [53, 53, 443]


@pytest.mark.parametrize(("values", "named"), REFUSED.values(), ids=REFUSED)
def test_wrong_values_are_refused_by_name(values: Values, named: str) -> None:
    """Nothing is rendered from values that cannot work; the message names them."""
    with pytest.raises(helm_python.HelmError, match=named):
        render(values)


def test_a_mysql_trail_lets_the_new_pod_stand_by_before_the_old_one_goes() -> None:
    """SQLite, whose file only one can hold, has the old pod go first."""

    def strategy(values: Values) -> str:
        (deployment,) = of_kind(render(values), "Deployment")
        said: str = deployment["spec"]["strategy"]["type"]
        return said

    assert strategy({}) == "Recreate"
    assert strategy({"secrets": {"values": DSN}}) == "RollingUpdate"
    assert strategy({"config": {"audit": {"url": "mysql://u@h/n"}}}) == "RollingUpdate"
    assert strategy({"config": {"audit": {"url": "sqlite:////data/s3mover.db"}}}) == "Recreate"
    assert (
        strategy({"extraEnv": [{"name": "MYSQL_DSN_FILE", "value": "/x"}], "extraVolumes": []})
        == "RollingUpdate"
    )
    assert strategy({"secrets": {"values": DSN}, "strategy": "Recreate"}) == "Recreate"


def test_a_change_of_settings_or_secrets_rolls_the_pods() -> None:
    """Their annotations change with the settings and with the secrets, and with nothing else."""

    def sums(values: Values) -> tuple[str, str]:
        (pod,) = (
            pod for pod in pods(render(values)) if "checksum/config" in pod["metadata"].get("annotations", {})
        )
        annotations = pod["metadata"]["annotations"]
        return annotations["checksum/config"], annotations["checksum/secrets"]

    plain = sums({})
    assert sums({"podLabels": {"a": "b"}}) == plain
    assert sums({"config": BUCKETS})[0] != plain[0]
    assert sums({"secrets": {"values": DSN}})[1] != plain[1]


def test_the_cron_mode_sweeps_and_serves_nothing() -> None:
    """A CronJob runs `sweep`, one at a time, and there is neither Deployment, Service nor monitor."""
    values = {"mode": "cron", "serviceMonitor": {"enabled": True}, "prometheusRule": {"enabled": True}}
    manifests = render(values)
    assert {one["kind"] for one in manifests} == {
        "ConfigMap",
        "CronJob",
        "NetworkPolicy",
        "Pod",
        "ServiceAccount",
    }
    (cron,) = of_kind(manifests, "CronJob")
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    (pod,) = pods([cron])
    assert pod["spec"]["containers"][0]["args"] == ["sweep", "--no-progress"]


def test_the_monitor_scrapes_what_the_daemon_serves() -> None:
    """The Service's port is the container's, by name; a scrape ends before the next begins."""
    manifests = render(SETS["watched"])
    (monitor,), (service,) = of_kind(manifests, "ServiceMonitor"), of_kind(manifests, "Service")
    (endpoint,), (port,) = monitor["spec"]["endpoints"], service["spec"]["ports"]
    assert endpoint["port"] == port["name"] == port["targetPort"] == "http"
    assert seconds(endpoint["scrapeTimeout"]) <= seconds(endpoint["interval"])
    assert monitor["spec"]["jobLabel"] in service["metadata"]["labels"]


def test_the_pods_monitor_scrapes_the_daemons() -> None:
    """It selects the daemon's pods, and the port that they name."""
    manifests = render({"podMonitor": {"enabled": True, "labels": {"release": "prometheus"}}})
    (monitor,), (deployment,) = of_kind(manifests, "PodMonitor"), of_kind(manifests, "Deployment")
    pod = deployment["spec"]["template"]
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    assert endpoint["port"] in [port["name"] for port in pod["spec"]["containers"][0]["ports"]]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert monitor["spec"]["jobLabel"] in pod["metadata"]["labels"]
    assert monitor["metadata"]["labels"]["release"] == "prometheus"


def rules(values: Values) -> Any:
    """Return the spec of the PrometheusRule."""
    (rule,) = of_kind(render({"prometheusRule": {"enabled": True}} | values), "PrometheusRule")
    return rule["spec"]


def test_the_rule_is_what_promtool_accepts(tmp_path: Path) -> None:
    """The PrometheusRule's spec is the file of alerts, word for word, and promtool finds no fault in it."""
    assert rules({}) == yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text("utf-8"))
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(rules(SETS["watched"])), encoding="utf-8")
    promtool = shutil.which("promtool")
    assert promtool, "promtool is missing; .ci/install-test-servers installs it"
    subprocess.run([promtool, "check", "rules", file], check=True, capture_output=True, timeout=TOO_LONG)


def test_the_runbook_may_be_anywhere() -> None:
    """Every alert links the given page, at its own section."""
    told = rules({"prometheusRule": {"enabled": True, "runbookUrl": "https://wiki.example/s3mover"}})
    alerts = {alert["alert"]: alert["annotations"]["runbook_url"] for alert in told["groups"][0]["rules"]}
    assert alerts == {name: f"https://wiki.example/s3mover#{name.lower()}" for name in alerts}


@pytest.mark.parametrize("monitor", ["serviceMonitor", "podMonitor"])
def test_a_release_that_is_gone_is_noticed_beside_another(monitor: str) -> None:
    """The series carry the release's name, and its alert of absence asks for exactly these."""
    watched = {"prometheusRule": {"enabled": True}, monitor: {"enabled": True}}
    (one,) = (one for one in render(watched) if one["kind"] in {"ServiceMonitor", "PodMonitor"})
    labels = one["spec"].get("targetLabels") or one["spec"]["podTargetLabels"]
    assert labels == ["app.kubernetes.io/instance"]
    (absent,) = (one for one in rules(watched)["groups"][0]["rules"] if one["alert"] == "S3moverAbsent")
    series = 's3mover_build_info{namespace="storage", app_kubernetes_io_instance="documents"}'
    assert absent["expr"] == f"absent({series})"


def test_the_dashboard_arrives_whole() -> None:
    """What Grafana's sidecar finds in the ConfigMap is the dashboard, braces and all."""
    (config,) = (
        one for one in of_kind(render(SETS["watched"]), "ConfigMap") if "s3mover.json" in one["data"]
    )
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    told = (ROOT / "deploy/grafana/s3mover.json").read_text("utf-8")
    assert json.loads(config["data"]["s3mover.json"]) == json.loads(told)


@pytest.mark.parametrize("path", ["prometheus/alerts.yaml", "grafana/s3mover.json"])
def test_the_charts_copies_are_kept_equal(path: str) -> None:
    """A chart can only hold what lies in its folder: `make manifests` copies it there."""
    assert filecmp.cmp(ROOT / "deploy" / path, CHART / "files" / Path(path).name, shallow=False)


def test_the_plain_manifests_are_kept_equal(tmp_path: Path) -> None:
    """What lies in deploy/kubernetes is what `make manifests` renders, and the kustomization names all of it."""
    subprocess.run([sys.executable, MANIFESTS / "render.py", tmp_path], check=True, timeout=TOO_LONG)
    rendered = sorted(path.name for path in tmp_path.iterdir())
    matching, differing, _ = filecmp.cmpfiles(tmp_path, MANIFESTS, rendered, shallow=False)
    assert (sorted(matching), differing) == (rendered, [])
    kustomization = yaml.safe_load((MANIFESTS / "kustomization.yaml").read_text("utf-8"))
    (generated,) = kustomization["configMapGenerator"]
    named = [*kustomization["resources"], *generated["files"]]
    assert sorted(named) == sorted([*rendered, "namespace.yaml"])


def kustomized(folder: Path) -> list[dict[str, Any]]:
    """Return what kubectl applies of a folder with a kustomization."""
    kubectl = shutil.which("kubectl")
    assert kubectl, "kubectl is missing; .ci/install-test-servers installs it"
    done = subprocess.run(
        [kubectl, "kustomize", folder], check=True, capture_output=True, text=True, timeout=TOO_LONG
    )
    return list(yaml.safe_load_all(done.stdout))


def test_the_plain_manifests_are_sound(tmp_path: Path) -> None:
    """The same as for the chart, the namespace and the pattern of the Secret included."""
    secret = yaml.safe_load((MANIFESTS / "secret.example.yaml").read_text("utf-8"))
    manifests = [secret, *kustomized(MANIFESTS)]
    check(manifests)
    check_grace(manifests, settings_of(manifests, tmp_path))


def test_another_setting_restarts_the_pods_of_the_plain_manifests(tmp_path: Path) -> None:
    """The Deployment names the settings that it starts with; nothing in it promises a checksum that never changes."""
    folder = tmp_path / "kubernetes"
    shutil.copytree(MANIFESTS, folder)

    def mounted() -> str:
        (pod,) = pods(kustomized(folder))
        assert "checksum" not in str(pod["metadata"])
        (name,) = (one["configMap"]["name"] for one in pod["spec"]["volumes"] if "configMap" in one)
        return str(name)

    before = mounted()
    assert mounted() == before
    config = folder / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("processes: 2", "processes: 3"), encoding="utf-8")
    assert mounted() != before


CONFIG_REFUSED: dict[str, tuple[Values, str]] = {
    "an unknown section": ({"transfers": {}}, "transfers"),
    "an unknown setting": ({"transfer": {"thread": 5}}, "thread"),
    "a setting of a group": ({"transfer": {"restore": {"tiers": "bulk"}}}, "tiers"),
    "a word that is none of the choices": ({"transfer": {"method": "copy"}}, "/config/transfer/method"),
    "too many threads": ({"transfer": {"threads": 100_000}}, "/config/transfer/threads"),
    "a duration without a unit": ({"sweep": {"interval": "60"}}, "/config/sweep/interval"),
    "a duration that is a number": ({"sweep": {"interval": 60}}, "/config/sweep/interval"),
    "a size that is none": ({"transfer": {"part_size": "64 megabytes"}}, "/config/transfer/part_size"),
    "a text for a list": ({"sweep": {"windows": [{"day": "mon"}]}}, "/config/sweep/windows"),
    "an account without its zeros": ({"source": {"account_id": "1234"}}, "/config/source/account_id"),
    "a route without a name": ({"routes": [{"source": {"bucket": "a"}}]}, "/config/routes/0"),
    "a route with what all share": ({"routes": [{"name": "a", "http": {"port": 1}}]}, "http"),
}


@pytest.mark.parametrize(("config", "named"), CONFIG_REFUSED.values(), ids=CONFIG_REFUSED)
def test_a_setting_that_s3mover_would_refuse_is_refused_at_once(config: Values, named: str) -> None:
    """Before anything is installed, with its name; s3mover refuses it as well."""
    with pytest.raises(helm_python.HelmError, match=named):
        render({"config": config})


def test_every_setting_is_known_to_the_chart(tmp_path: Path) -> None:
    """Each with its default as config.yaml writes it, and empty; with routes, those that may differ by route."""
    whole = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))
    assert render({"config": whole})
    manifests = render({"config": whole | BUCKETS})
    assert settings_of(manifests, tmp_path)
    own = {
        "name": "hr",
        **BUCKETS,
        "filter": whole["filter"],
        "sweep": {"windows": [{"days": ["sat", "sun"]}]},
    }
    assert settings_of(render({"config": {"routes": [own]}}), tmp_path).routes[0].name == "hr"
