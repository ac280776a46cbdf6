"""The files for ECS, held against AWS's own description of its API and against what s3mover says that it needs.

The commands of docs/deploy.md are run, from the first to the last, on an AWS of our own.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import botocore.session
import pytest
from botocore.validate import validate_parameters

from s3mover.diagnostics.policy_inputs import documents_of
from s3mover.settings.definitions import FIRST_VERSION_NAMES
from s3mover.settings.load import load
from testkit.moto import running_moto
from testkit.waiting import TOO_LONG
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


Client = Callable[[str], Any]
ACCOUNT = "123456789012"
REGION = "eu-west-1"
EXAMPLES = (
    "111111111111",
    "222222222222",
    "company-documents",
    "eu-central-1",
    "0123456789abcdef0",
    "AbCdEf",
)


@pytest.fixture(scope="module")
def aws() -> Iterator[Client]:
    """Clients of an AWS of our own."""
    keys = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    with running_moto() as endpoint:
        yield lambda service: boto3.client(service, endpoint_url=endpoint, region_name=REGION, **keys)


@pytest.fixture(scope="module")
def created(aws: Client, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the files, after the commands of the document were run there."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(FOLDER, folder / "deploy/ecs")
    (folder / "deploy/ecs/dsn").write_text("mysql://mover:very-secret@db:3306/audit\n")
    (commands,) = re.findall(
        r"```bash\n(cd deploy/ecs\n.*?)```", (ROOT / "docs/deploy.md").read_text(), re.DOTALL
    )
    group = aws("ec2").create_security_group(GroupName="db", Description="db")["GroupId"]
    commands = commands.replace("sg-0fedcba9876543210", group)
    programs = _programs(folder / "programs")
    environment = os.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL": aws("ecs").meta.endpoint_url,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", commands],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=2 * TOO_LONG,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (folder / "docker.log").read_text().splitlines() == [
        f"login --username AWS --password-stdin {ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com",
        f"build -t {ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/s3mover:0.1.0 ../..",
        f"push {ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/s3mover:0.1.0",
    ]
    return folder / "deploy/ecs"


def _programs(folder: Path) -> Path:
    """Make a folder with our `aws`, and a `docker` that only notes what it was told."""
    folder.mkdir()
    scripts = {
        "aws": f'exec {sys.executable} -m tests.deploy.aws_cli "$@"',
        "docker": f'echo "$@" >>{folder.parent}/docker.log; [ "$1" != login ] || cat >/dev/null',
    }
    for name, script in scripts.items():
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)
    return folder


def test_the_documented_commands_leave_no_example_value(created: Path) -> None:
    """Accounts, region, buckets, secret, subnets and group are those of the reader."""
    for file in created.glob("*.json"):
        found = file.read_text("utf-8")
        assert [example for example in EXAMPLES if example in found] == [], file.name


def test_the_documented_commands_start_a_service(aws: Client, created: Path) -> None:
    """In its cluster, with the pushed image, in every subnet, with a group that the database admits."""
    (service,) = aws("ecs").describe_services(cluster="s3mover", services=["s3mover"])["services"]
    assert (service["status"], service["desiredCount"]) == ("ACTIVE", 1)
    definition = aws("ecs").describe_task_definition(taskDefinition="s3mover")["taskDefinition"]
    (container,) = definition["containerDefinitions"]
    repository = aws("ecr").describe_repositories()["repositories"][0]["repositoryUri"]
    assert container["image"] == f"{repository}:0.1.0"
    secret = aws("secretsmanager").get_secret_value(SecretId=container["secrets"][0]["valueFrom"])
    assert secret["SecretString"] == (created / "dsn").read_text().strip()
    groups = aws("logs").describe_log_groups()["logGroups"]
    assert container["logConfiguration"]["options"]["awslogs-group"] in [
        one["logGroupName"] for one in groups
    ]
    network = json.loads((created / "service.json").read_text())["networkConfiguration"][
        "awsvpcConfiguration"
    ]
    subnets = aws("ec2").describe_subnets()["Subnets"]
    assert sorted(network["subnets"]) == sorted(one["SubnetId"] for one in subnets)
    (database,) = aws("ec2").describe_security_groups(GroupNames=["db"])["SecurityGroups"]
    (admitted,) = database["IpPermissions"]
    assert [pair["GroupId"] for pair in admitted["UserIdGroupPairs"]] == network["securityGroups"]
    assert admitted["FromPort"] == 3306


def test_the_documented_commands_give_each_role_its_policy(aws: Client, created: Path) -> None:
    """The roles are those that the task definition names, and the policies those of the files."""
    task = json.loads((created / "task-definition.json").read_text())
    for arn, file in (
        ("executionRoleArn", "execution-role-policy.json"),
        ("taskRoleArn", "task-role-policy.json"),
    ):
        name = task[arn].rpartition("/")[2]
        assert aws("iam").get_role(RoleName=name)["Role"]["Arn"] == task[arn]
        found = aws("iam").get_role_policy(RoleName=name, PolicyName="s3mover")["PolicyDocument"]
        assert found == json.loads((created / file).read_text())
