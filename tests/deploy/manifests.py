"""What must hold of a set of Kubernetes manifests, beyond the schemas that `kubernetes-validate` has."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate

from s3mover.settings.load import load
from s3mover.settings.model import Settings
from s3mover.settings.units import parse_duration

Manifest = dict[str, Any]
# The oldest version that the chart admits, and the newest whose schema is known.
VERSIONS = ("1.25", "1.37")
OPERATOR = "monitoring.coreos.com/v1"  # its kinds are no part of Kubernetes, and have no schema here
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_LABEL = re.compile(r"([A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?")
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
# The default of the chart.
LEADER_LABEL = "s3mover.io/leader"
_BUCKETS = {"SRC_BUCKET": "documents", "DST_BUCKET": "documents-copy"}


def check(manifests: list[Manifest], given: frozenset[tuple[str, str]] = frozenset()) -> None:
    """Fail where a manifest is wrong; `given` are objects, as (kind, name), that others have made."""
    there = given | {(one["kind"], one["metadata"]["name"]) for one in manifests}
    assert len({(one["kind"], one["metadata"]["name"]) for one in manifests}) == len(manifests)
    for one in manifests:
        _check_schema(one)
        _check_names(one)
    for pod in pods(manifests):
        _check_restricted(pod)
        _check_token(pod, manifests)
        _check_references(pod, there)
        _check_quantities(pod)
    _check_selectors(manifests)


def of_kind(manifests: list[Manifest], kind: str) -> list[Manifest]:
    """Return the manifests of a kind."""
    return [one for one in manifests if one["kind"] == kind]


def pods(manifests: list[Manifest]) -> Iterator[Manifest]:
    """Yield what describes a pod, with `metadata` and `spec`, wherever it stands."""
    for one in manifests:
        match one["kind"]:
            case "Pod":
                yield one
            case "Deployment":
                yield one["spec"]["template"]
            case "CronJob":
                yield one["spec"]["jobTemplate"]["spec"]["template"]


def settings_of(manifests: list[Manifest], folder: Path) -> Settings:
    """Load the ConfigMap's config.yaml as the daemon does; the buckets may come from the environment."""
    (config,) = (one for one in of_kind(manifests, "ConfigMap") if "config.yaml" in one["data"])
    file = folder / "config.yaml"
    file.write_text(config["data"]["config.yaml"], encoding="utf-8")
    return load(file, _BUCKETS, {})


def check_grace(manifests: list[Manifest], settings: Settings) -> None:
    """The kubelet waits longer than s3mover takes, and the port that is named is the one that it serves at."""
    for pod in pods(manifests):
        grace = pod["spec"].get("terminationGracePeriodSeconds")
        assert grace is None or grace > settings.stop.grace
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", ()):
                assert port["containerPort"] == settings.http.port


def _check_schema(one: Manifest) -> None:
    if one["apiVersion"] != OPERATOR:
        for version in VERSIONS:
            kubernetes_validate.validate(one, version, strict=True)


def _check_names(one: Manifest) -> None:
    name, labels = one["metadata"]["name"], one["metadata"].get("labels", {})
    assert _NAME.fullmatch(name), name
    assert len(name) <= (52 if one["kind"] == "CronJob" else 63), name
    for value in labels.values():
        assert _LABEL.fullmatch(value), value


def _check_token(pod: Manifest, manifests: list[Manifest]) -> None:
    """Only a pod that labels itself, with a right for that, gets the token of its service account."""
    names = {one["name"] for container in pod["spec"]["containers"] for one in container.get("env", ())}
    labels = "S3MOVER_KUBERNETES__LEADER_LABEL" in names
    assert pod["spec"]["automountServiceAccountToken"] is labels
    assert not labels or of_kind(manifests, "RoleBinding")


def _check_restricted(pod: Manifest) -> None:
    """The restricted Pod Security Standard, and a root that is not written to."""
    spec = pod["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in spec["containers"]:
        context = container["securityContext"]
        assert context["allowPrivilegeEscalation"] is False
        assert context["readOnlyRootFilesystem"] is True
        assert context["capabilities"] == {"drop": ["ALL"]}


def _check_references(pod: Manifest, there: frozenset[tuple[str, str]] | set[tuple[str, str]]) -> None:
    """What is mounted exists, what exists is mounted, and whatever is named is there."""
    spec = pod["spec"]
    volumes = {volume["name"]: volume for volume in spec.get("volumes", ())}
    mounted = {mount["name"] for one in spec["containers"] for mount in one.get("volumeMounts", ())}
    assert mounted == set(volumes)
    wanted = {("ConfigMap", one["configMap"]["name"]) for one in volumes.values() if "configMap" in one}
    wanted |= {("Secret", one["secret"]["secretName"]) for one in volumes.values() if "secret" in one}
    wanted |= {
        ("PersistentVolumeClaim", one["persistentVolumeClaim"]["claimName"])
        for one in volumes.values()
        if "persistentVolumeClaim" in one
    }
    if spec.get("serviceAccountName", "default") != "default":
        wanted.add(("ServiceAccount", spec["serviceAccountName"]))
    for container in spec["containers"]:
        _check_secrets(container, volumes)
        for variable in container.get("env", ()):
            if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                wanted.add(("Secret", reference["name"]))
    assert wanted <= there, wanted - there


def _check_secrets(container: Manifest, volumes: dict[str, Manifest]) -> None:
    """Each NAME_FILE of the environment is a file that a mounted Secret has."""
    files = {
        f"{mount['mountPath']}/{item['path']}"
        for mount in container.get("volumeMounts", ())
        for item in volumes[mount["name"]].get("secret", {}).get("items", ())
    }
    named = {one["value"] for one in container.get("env", ()) if one["name"].endswith("_FILE")}
    assert named == files


def _check_quantities(pod: Manifest) -> None:
    for container in pod["spec"]["containers"]:
        for amounts in container.get("resources", {}).values():
            for amount in amounts.values():
                assert _QUANTITY.fullmatch(str(amount)), amount


def _check_selectors(manifests: list[Manifest]) -> None:
    """What selects pods selects those of one Deployment and no other; what selects Services finds one."""
    described = {id(pod): pod["metadata"]["labels"] for pod in pods(manifests)}
    daemons = [
        one["spec"]["template"]["metadata"]["labels"] for one in manifests if one["kind"] == "Deployment"
    ]
    services = of_kind(manifests, "Service")
    for one in manifests:
        match one["kind"]:
            case "Deployment":
                chosen = one["spec"]["selector"]["matchLabels"]
                assert _matches(chosen, one["spec"]["template"]["metadata"]["labels"])
            case "PodDisruptionBudget" | "PodMonitor":
                chosen = one["spec"]["selector"]["matchLabels"]
            case "Service":
                # s3mover sets that of the leader itself.
                chosen = {key: value for key, value in one["spec"]["selector"].items() if key != LEADER_LABEL}
            case "ServiceMonitor":
                assert any(_matches(one["spec"]["selector"]["matchLabels"], to) for to in _labels(services))
                continue
            case _:
                continue
        selected = [labels for labels in described.values() if _matches(chosen, labels)]
        assert selected in [[labels] for labels in daemons], one["kind"]


def _labels(manifests: list[Manifest]) -> list[dict[str, str]]:
    return [one["metadata"]["labels"] for one in manifests]


def _matches(chosen: dict[str, str], labels: dict[str, str]) -> bool:
    return chosen.items() <= labels.items()


def seconds(duration: str) -> float:
    """Return what a duration of the operator's kinds stands for."""
    return parse_duration(duration)
