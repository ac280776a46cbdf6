"""A small `aws`: what the commands of docs/deploy.md use of the AWS CLI, sent to `$AWS_ENDPOINT_URL`.

Options are those of the API, by botocore's own description of it: an unknown one fails, as it does there.
"""

import json
import os
import sys
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

import boto3
import jmespath
from botocore import xform_name

Shape = Any  # botocore has no types


def main(service: str, command: str, *arguments: str) -> None:
    """Send one request and print its answer."""
    if (service, command) == ("ecr", "get-login-password"):  # a command of the CLI's own
        print("password")  # noqa: T201
        return
    client = boto3.client(service, endpoint_url=os.environ["AWS_ENDPOINT_URL"])
    operation = next(
        name for name in client.meta.service_model.operation_names if xform_name(name, "-") == command
    )
    shape = client.meta.service_model.operation_model(operation).input_shape
    options = dict(_options(list(arguments)))
    query, output = options.pop("query", ["@"])[0], options.pop("output", ["json"])[0]
    answer = getattr(client, xform_name(operation))(**_parameters(shape, options))
    found = jmespath.search(
        query, {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    )
    print(_text(found) if output == "text" else json.dumps(found, default=str))  # noqa: T201


def _options(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    while words:
        name = words.pop(0).removeprefix("--")
        values = list(takewhile(lambda word: not word.startswith("--"), words))
        del words[: len(values)]
        yield name, [_content(value) for value in values]


def _content(value: str) -> str:
    return (
        Path(value.removeprefix("file://")).read_text("utf-8").strip()
        if value.startswith("file://")
        else value
    )


def _parameters(shape: Shape, options: dict[str, list[str]]) -> dict[str, Any]:
    whole: dict[str, Any] = json.loads(options.pop("cli-input-json", ["{}"])[0])
    if "protocol" in options:  # the CLI's own options for one rule of a security group
        pair = {"GroupId": options.pop("source-group")[0]}
        (protocol,), (port,) = options.pop("protocol"), options.pop("port")
        rule = {
            "IpProtocol": protocol,
            "FromPort": int(port),
            "ToPort": int(port),
            "UserIdGroupPairs": [pair],
        }
        whole["IpPermissions"] = [rule]
    members = {xform_name(name, "-"): (name, member) for name, member in shape.members.items()}
    for option, values in options.items():
        name, member = members[option]
        whole[name] = [_shorthand(value) for value in values] if member.type_name == "list" else values[0]
    return whole


def _shorthand(value: str) -> dict[str, Any]:
    """Return `Name=a,Values=b`."""
    fields = dict(field.split("=", 1) for field in value.split(","))
    return {name: [text] if name == "Values" else text for name, text in fields.items()}


def _text(value: Any) -> str:
    return "\t".join(value) if isinstance(value, list) else str(value)


if __name__ == "__main__":
    main(*sys.argv[1:])
