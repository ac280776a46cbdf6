"""The templates of `s3mover policy`: what they create is what the documents say, no more and no less."""

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from s3mover.diagnostics.iam_templates import cloudformation, terraform
from s3mover.diagnostics.policy_inputs import documents_of, stack_of
from s3mover.errors import SettingsError
from s3mover.model import Method, Side
from s3mover.settings.load import load
from testkit.moto import running_moto
from testkit.program import run_program
from testkit.waiting import TOO_LONG

Json = dict[str, Any]
# A key with every character that a policy or a template would read as its own.
PREFIX = "docs/${*}%{x}/"
BASE = {
    "SRC_BUCKET": "company-documents",
    "SRC_PREFIX": PREFIX,
    "SRC_ACCOUNT_ID": "111111111111",
    "DST_BUCKET": "company-documents-copy",
    "DST_ACCOUNT_ID": "222222222222",
}
ACCOUNTS = {"source": "111111111111", "destination": "222222222222"}
TWO_ROLES = {
    "SRC_ROLE_ARN": "arn:aws:iam::111111111111:role/reader",
    "DST_ROLE_ARN": "arn:aws:iam::222222222222:role/team/mover",
    "DST_EXTERNAL_ID": "of-the-mover",
}
KEYS = {"S3MOVER_DESTINATION__KMS_KEY_ID": "arn:aws:kms:eu-central-1:222222222222:key/k"}
SOURCE_KEY = "arn:aws:kms:eu-central-1:111111111111:key/s"
SETTINGS = {
    "one principal": (BASE, ""),
    "two roles": (BASE | TWO_ROLES, ""),
    "keys": (BASE | TWO_ROLES | KEYS, SOURCE_KEY),
}


def stacks(environment: dict[str, str], source_key: str) -> dict[Side, Any]:
    """Return the stacks of both accounts."""
    settings = load(None, environment, {})
    return {side: stack_of(settings, side, source_key) for side in Side}


def wanted(environment: dict[str, str], source_key: str, kind: str) -> dict[str, Json]:
    """Return the statements of a kind that `s3mover policy` prints for server-side copies, by their ids and sides."""
    return {
        f"{document.side} {statement['Sid']}": statement
        for document in documents_of(load(None, environment, {}), source_key)
        if document.method is Method.SERVER_SIDE_COPY and document.kind == kind and document.policy
        for statement in document.policy["Statement"]
    }


@pytest.mark.parametrize(("environment", "source_key"), SETTINGS.values(), ids=SETTINGS)
def test_the_stacks_grant_what_is_printed(environment: dict[str, str], source_key: str) -> None:
    """Each statement in the account of its principal, or of its bucket or key."""
    both = stacks(environment, source_key)
    roles = [role for stack in both.values() for role in stack.roles]
    granted = [statement for role in roles for statement in role.policy["Statement"]]
    identity = wanted(environment, source_key, "identity")
    assert {json.dumps(one) for one in granted} == {json.dumps(one) for one in identity.values()}
    for role in roles:
        ids = [statement["Sid"] for statement in role.policy["Statement"]]
        assert len(set(ids)) == len(ids)
    for kind, attribute in (("bucket", "bucket_policy"), ("key", "key_policy")):
        found = {
            f"{side} {statement['Sid']}": statement
            for side, stack in both.items()
            if (policy := getattr(stack, attribute))
            for statement in policy["Statement"]
        }
        assert found == wanted(environment, source_key, kind)


def test_each_role_is_that_of_the_settings() -> None:
    """Name, path and external id; without a role in the settings there is one for both sides, named after its own."""
    both = stacks(BASE | TWO_ROLES, "")
    (mover,), (reader,) = both[Side.DESTINATION].roles, both[Side.SOURCE].roles
    assert (mover.name, mover.path, mover.external_id) == ("mover", "/team/", "of-the-mover")
    assert (reader.name, reader.path, reader.external_id) == ("reader", "/", "")
    both = stacks(BASE, "")
    assert [role.name for role in both[Side.DESTINATION].roles] == ["s3mover-destination"]
    assert both[Side.SOURCE].roles == []


@pytest.mark.parametrize(("environment", "source_key"), SETTINGS.values(), ids=SETTINGS)
def test_terraform_reads_each_policy_as_it_stands(environment: dict[str, str], source_key: str) -> None:
    """With its escapes undone a policy is that of CloudFormation's template, which has none."""
    for stack in stacks(environment, source_key).values():
        resources, created = terraform(stack)["resource"], cloudformation(stack)["Resources"]
        for role in stack.roles:
            label = f"s3mover_{role.side}"
            properties = created[f"{role.side.title()}Role"]["Properties"]
            policy = resources["aws_iam_role_policy"][label]["policy"]
            assert interpolated(policy) == properties["Policies"][0]["PolicyDocument"]
            trust = resources["aws_iam_role"][label]["assume_role_policy"]
            said = interpolated(trust.replace("${var.trusted_principal}", stack.root))
            expected = json.dumps(properties["AssumeRolePolicyDocument"])
            assert said == json.loads(expected.replace('{"Ref": "TrustedPrincipal"}', f'"{stack.root}"'))
        if stack.bucket_policy:
            policy = resources["aws_s3_bucket_policy"][f"s3mover_{stack.side}"]["policy"]
            assert interpolated(policy) == created["BucketPolicy"]["Properties"]["PolicyDocument"]


def interpolated(text: str) -> Any:
    """Return what Terraform makes of a text without references (Terraform, "Strings and Templates")."""
    assert "${" not in text.replace("$${", "")
    assert "%{" not in text.replace("%%{", "")
    return json.loads(text.replace("$${", "${").replace("%%{", "%{"))


@pytest.mark.process
@pytest.mark.parametrize(("environment", "source_key"), SETTINGS.values(), ids=SETTINGS)
def test_cfn_lint_finds_nothing(environment: dict[str, str], source_key: str, tmp_path: Path) -> None:
    """Types, properties, references and policies are those that CloudFormation knows."""
    files = []
    for side in Side:
        command = ["policy", "--format", "cloudformation", "--side", side, "--source-key", source_key]
        files.append(tmp_path / f"{side}.json")
        template = json.loads(run_program(command, environment, tmp_path).stdout)
        if source_key and side is Side.SOURCE:
            assert template["Metadata"]["KeyPolicy"]["Statement"]
        files[-1].write_text(json.dumps(template), encoding="utf-8")
    lint = Path(sys.executable).with_name("cfn-lint")
    done = subprocess.run([lint, *files], capture_output=True, text=True, check=False, timeout=TOO_LONG)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    """The address of an AWS of our own."""
    with running_moto() as endpoint:
        yield endpoint


def test_both_stacks_are_created_and_the_role_can_be_assumed(moto: str) -> None:
    """Each in its account: the roles have the printed policies, and the bucket's policy names them."""
    environment, source_key = SETTINGS["two roles"]
    for side, stack in stacks(environment, source_key).items():
        client = clients_of(moto, stack.account)
        template = cloudformation(stack)
        # moto has no bucket policies in its stacks, but takes them by S3's own request.
        bucket_policy = template["Resources"].pop("BucketPolicy", None)
        client("cloudformation").create_stack(
            StackName="s3mover", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_NAMED_IAM"]
        )
        (created,) = client("cloudformation").describe_stacks(StackName="s3mover")["Stacks"]
        assert created["StackStatus"] == "CREATE_COMPLETE"
        (role,) = stack.roles
        found = client("iam").get_role_policy(RoleName=role.name, PolicyName="s3mover")
        # moto gives what its stacks created as Python writes it.
        assert ast.literal_eval(found["PolicyDocument"]) == role.policy
        (output,) = created["Outputs"]
        assert output["OutputValue"] == environment["SRC_ROLE_ARN" if side is Side.SOURCE else "DST_ROLE_ARN"]
        assert client("sts").assume_role(RoleArn=output["OutputValue"], RoleSessionName="s3mover")
        if bucket_policy:
            put_bucket_policy(client("s3"), bucket_policy["Properties"])


def put_bucket_policy(s3: Any, properties: Json) -> None:
    """Create a bucket with a policy, and assert that it has it."""
    s3.create_bucket(
        Bucket=properties["Bucket"], CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )
    s3.put_bucket_policy(Bucket=properties["Bucket"], Policy=json.dumps(properties["PolicyDocument"]))
    found = s3.get_bucket_policy(Bucket=properties["Bucket"])["Policy"]
    (statement,) = json.loads(found)["Statement"]
    assert statement["Principal"] == {"AWS": TWO_ROLES["DST_ROLE_ARN"]}


def clients_of(endpoint: str, account: str) -> Any:
    """Return what makes clients of one account: moto takes a session of a role for its account."""
    common = {"endpoint_url": endpoint, "region_name": "eu-central-1"}
    anybody = {"aws_access_key_id": "key", "aws_secret_access_key": "secret"}
    role = {"RoleArn": f"arn:aws:iam::{account}:role/admin", "RoleSessionName": "test"}
    session = boto3.client("sts", **common, **anybody).assume_role(**role)["Credentials"]
    credentials = {
        "aws_access_key_id": session["AccessKeyId"],
        "aws_secret_access_key": session["SecretAccessKey"],
        "aws_session_token": session["SessionToken"],
    }
    return lambda service: boto3.client(service, **common, **credentials)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"DST_ACCOUNT_ID": ""}, "destination.account_id"),
        ({"SRC_ENDPOINT_URL": "https://minio.example:9000"}, "source.endpoint_url"),
        ({"DST_ROLE_ARN": "arn:aws:iam::333333333333:role/x"}, "destination.role_arn"),
        ({"SRC_BUCKET": "arn:aws:s3:eu-central-1:111111111111:accesspoint/a"}, "source.bucket"),
    ],
)
def test_what_a_template_cannot_say_is_refused(changes: dict[str, str], problem: str) -> None:
    """With the setting that stands against it."""
    with pytest.raises(SettingsError, match=problem):
        stack_of(load(None, BASE | changes, {}), Side.SOURCE, "")


@pytest.mark.process
def test_a_template_is_for_one_account(tmp_path: Path) -> None:
    """Without its side, and with several routes, the command says what to add and exits with 2."""
    command = ["policy", "--format", "terraform"]
    assert "--side source or --side destination" in run_program(command, BASE, tmp_path, expect=2).stderr
    routes = [
        {"name": name}
        | {side: {"bucket": f"{name}-{side}", "account_id": account} for side, account in ACCOUNTS.items()}
        for name in ("hr", "sales")
    ]
    (tmp_path / "config.yaml").write_text(json.dumps({"routes": routes}))
    assert "--route hr" in run_program([*command, "--side", "source"], {}, tmp_path, expect=2).stderr
    said = run_program([*command, "--side", "source", "--route", "sales"], {}, tmp_path).stdout
    assert "aws_s3_bucket_policy" in json.loads(said)["resource"]
