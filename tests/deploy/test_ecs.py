"""The files for ECS, held against AWS's own description of its API and against what s3mover says that it needs."""

import json
from typing import Any

import botocore.session
import pytest
from botocore.validate import validate_parameters

from s3mover.diagnostics.policy_inputs import documents_of
from s3mover.settings.definitions import FIRST_VERSION_NAMES
from s3mover.settings.load import load
from tests.deploy.container_engine import ROOT

FOLDER = ROOT / "deploy" / "ecs"
Json = dict[str, Any]


def read(name: str) -> Json:
    """Return one of the files."""
    told: Json = json.loads((FOLDER / name).read_text("utf-8"))
    return told


@pytest.fixture(scope="module")
def container() -> Json:
    """The task's only container."""
    (one,) = read("task-definition.json")["containerDefinitions"]
    found: Json = one
    return found


@pytest.mark.parametrize(
    ("name", "operation"),
    [("task-definition.json", "RegisterTaskDefinition"), ("service.json", "CreateService")],
)
def test_aws_knows_every_parameter(name: str, operation: str) -> None:
    """Each name and each type is one that the API takes."""
    shape = botocore.session.get_session().get_service_model("ecs").operation_model(operation).input_shape
    validate_parameters(read(name), shape)
    assert set(read(name)) <= set(shape.members)


def test_the_task_has_no_privilege(container: Json) -> None:
    """A user that is not root, a root that is not written to, no capability; what is written lies in volumes."""
    assert container["user"] == "10001:0"
    assert container["readonlyRootFilesystem"] is True
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    mounted = {mount["sourceVolume"] for mount in container["mountPoints"]}
    assert mounted == {volume["name"] for volume in read("task-definition.json")["volumes"]}


def test_its_settings_are_settings(container: Json) -> None:
    """The loader takes the environment as it stands; ECS waits longer than stop.grace; no secret is in the file."""
    environment = {one["name"]: one["value"] for one in container["environment"]}
    settings = load(None, environment, {})
    assert container["stopTimeout"] > settings.stop.grace
    assert container["portMappings"][0]["containerPort"] == settings.http.port
    assert {one["name"] for one in container["secrets"]} <= set(FIRST_VERSION_NAMES)
    assert not any("SECRET" in name or "DSN" in name for name in environment)


def test_the_tasks_role_may_do_what_is_needed_and_no_more(container: Json) -> None:
    """Its policy is what `s3mover policy` prints for one principal that reads the source and writes the destination."""
    settings = load(None, {one["name"]: one["value"] for one in container["environment"]}, {})
    wanted = {
        statement["Sid"]: statement
        for one in documents_of(settings, "")
        if (one.method, one.kind) == ("server_side_copy", "identity") and one.policy
        for statement in one.policy["Statement"]
    }
    granted = read("task-role-policy.json")["Statement"]
    assert {statement["Sid"]: statement for statement in granted} == wanted
    assert len(granted) == len(wanted)


def test_the_execution_role_reaches_one_image_one_log_and_one_secret(container: Json) -> None:
    """Only the registry's token is asked for without a resource, because AWS has none for it."""
    statements = {one["Sid"]: one for one in read("execution-role-policy.json")["Statement"]}
    assert [sid for sid, one in statements.items() if one["Resource"] == "*"] == ["LogInToRegistry"]
    assert statements["ReadSecret"]["Resource"] == container["secrets"][0]["valueFrom"]
    group = container["logConfiguration"]["options"]["awslogs-group"]
    assert statements["WriteLog"]["Resource"].endswith(f":log-group:{group}:*")
    repository = container["image"].partition("/")[2].partition(":")[0]
    assert statements["PullImage"]["Resource"].endswith(f":repository/{repository}")
