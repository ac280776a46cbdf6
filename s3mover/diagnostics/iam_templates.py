"""CloudFormation and Terraform templates of what one account must create: a role for each principal, a bucket policy.

Pure functions. The statements are those of `iam_policies.py`. A template has no resource for the policy of a KMS key:
it would replace the whole policy, and could lock its owner out; the statements are beside the resources instead.
"""

import json
from collections.abc import Iterable
from typing import NamedTuple

from s3mover.diagnostics.iam_grants import Json
from s3mover.diagnostics.iam_policies import VERSION, Document, Kind
from s3mover.model import Side

_ROLE = "Role"
_REPLACES = "A bucket has one policy: merge what it has today, because this one replaces it."
_KEY = "Add these statements to the policy of the KMS key by hand."
_TRUSTED = "ARN of who may assume the role: the account's root leaves that to the policies of its identities."
_TERRAFORM_TRUSTED = "${var.trusted_principal}"


class RoleGrant(NamedTuple):
    """A role to create: its name and path, who may assume it with which external id, its policy."""

    side: Side
    name: str
    path: str
    external_id: str
    policy: Json


class Stack(NamedTuple):
    """What one account creates; `bucket_policy` and `key_policy` are None if nothing must be granted."""

    side: Side
    account: str
    partition: str
    bucket: str
    roles: list[RoleGrant]
    bucket_policy: Json | None
    key_policy: Json | None

    @property
    def root(self) -> str:
        """The ARN that stands for all identities of the account."""
        return f"arn:{self.partition}:iam::{self.account}:root"


def role_place(role_arn: str, side: Side) -> tuple[str, str]:
    """Return the name and the path of a role from its ARN; without one the name is `s3mover-SIDE`."""
    if not role_arn:
        return f"s3mover-{side}", "/"
    path, _, name = role_arn.partition(":role/")[2].rpartition("/")
    return name, f"/{path}/" if path else "/"


def one_policy(documents: Iterable[Document], kind: Kind) -> Json | None:
    """Return the statements of all documents of a kind as one policy, each once; None without any."""
    statements = {
        statement["Sid"]: statement
        for document in documents
        if document.kind is kind and document.policy
        for statement in document.policy["Statement"]
    }
    return {"Version": VERSION, "Statement": list(statements.values())} if statements else None


def cloudformation(stack: Stack) -> Json:
    """Return the template of a stack."""
    roles = {_logical_name(role): _cloudformation_role(role) for role in stack.roles}
    policies = {"BucketPolicy": _cloudformation_bucket_policy(stack)} if stack.bucket_policy else {}
    parameters = {
        "TrustedPrincipal": {"Type": "String", "Default": stack.root, "Description": _TRUSTED},
    }
    outputs = {
        f"{name}Arn": {"Value": {"Fn::GetAtt": [name, "Arn"]}, "Description": "For role_arn in the settings."}
        for name in roles
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": _description(stack),
        **(
            {"Metadata": {"KeyPolicy": {"Description": _KEY, **stack.key_policy}}} if stack.key_policy else {}
        ),
        **({"Parameters": parameters} if roles else {}),
        "Resources": roles | policies,
        **({"Outputs": outputs} if roles else {}),
    }


def terraform(stack: Stack) -> Json:
    """Return the configuration of a stack in Terraform's JSON syntax."""
    roles = {f"s3mover_{role.side}": role for role in stack.roles}
    resources: Json = {}
    if roles:
        resources["aws_iam_role"] = {label: _terraform_role(role) for label, role in roles.items()}
        resources["aws_iam_role_policy"] = {
            label: {"name": "s3mover", "role": f"${{aws_iam_role.{label}.id}}", "policy": _text(role.policy)}
            for label, role in roles.items()
        }
    if stack.bucket_policy:
        policy = {"bucket": stack.bucket, "policy": _text(stack.bucket_policy)}
        resources["aws_s3_bucket_policy"] = {f"s3mover_{stack.side}": policy}
    outputs: Json = {
        f"{label}_role_arn": {
            "value": f"${{aws_iam_role.{label}.arn}}",
            "description": "For role_arn in the settings.",
        }
        for label in roles
    }
    if stack.key_policy:
        outputs["kms_key_policy"] = {"value": _text(stack.key_policy), "description": _KEY}
    trusted = {"type": "string", "default": stack.root, "description": _TRUSTED}
    return {
        "//": _description(stack),
        **({"variable": {"trusted_principal": trusted}} if roles else {}),
        "resource": resources,
        **({"output": outputs} if outputs else {}),
    }


def _description(stack: Stack) -> str:
    warning = f" {_REPLACES}" if stack.bucket_policy else ""
    return f"What s3mover needs in the account {stack.account}, which owns the bucket of the {stack.side}.{warning}"


def _logical_name(role: RoleGrant) -> str:
    return f"{role.side.title()}{_ROLE}"


def _cloudformation_role(role: RoleGrant) -> Json:
    return {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": role.name,
            "Path": role.path,
            "AssumeRolePolicyDocument": _trust({"Ref": "TrustedPrincipal"}, role.external_id),
            "Policies": [{"PolicyName": "s3mover", "PolicyDocument": role.policy}],
        },
    }


def _cloudformation_bucket_policy(stack: Stack) -> Json:
    properties = {"Bucket": stack.bucket, "PolicyDocument": stack.bucket_policy}
    return {"Type": "AWS::S3::BucketPolicy", "Properties": properties}


def _terraform_role(role: RoleGrant) -> Json:
    trust = _text(_trust("TRUSTED", role.external_id)).replace('"TRUSTED"', f'"{_TERRAFORM_TRUSTED}"')
    return {"name": role.name, "path": role.path, "assume_role_policy": trust}


def _trust(principal: object, external_id: str) -> Json:
    condition = {"Condition": {"StringEquals": {"sts:ExternalId": external_id}}} if external_id else {}
    allow = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole", **condition}
    return {"Version": VERSION, "Statement": [allow]}


def _text(policy: Json) -> str:
    """Return a policy as a text in which Terraform interpolates nothing (Terraform, "Strings and Templates")."""
    return json.dumps(policy).replace("${", "$${").replace("%{", "%%{")
