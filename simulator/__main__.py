"""The command `python -m simulator`: a simulator to try things out with."""

import argparse
import asyncio
import json
import re
import sys
from dataclasses import asdict

from simulator.commands import Commands
from simulator.process import Addresses, serve
from simulator.world import World

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s)?")
_SOURCE_ACCOUNT, _DESTINATION_ACCOUNT = "111111111111", "222222222222"


def duration(text: str) -> float:
    """Return the seconds of `30ms`, `0.5s` or `2`."""
    found = _DURATION.fullmatch(text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is not a duration such as 30ms")
    return float(found[1]) / (1000 if found[2] == "ms" else 1)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port of the S3 endpoint (0: a free one)")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument(
        "--tls", action="store_true", help="serve HTTPS with a temporary certificate authority"
    )
    parser.add_argument("--objects", type=int, default=0, help="virtual objects in the source bucket")
    parser.add_argument("--size", type=int, default=1024, help="their size in bytes")
    parser.add_argument("--prefix", default="documents/", help="prefix of their keys")
    parser.add_argument("--latency", type=duration, default=0.0, help="delay of every answer, such as 30ms")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="writes per second that each prefix admits (0: unlimited)"
    )
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)
    return parser


def create_buckets(commands: Commands, options: argparse.Namespace) -> dict[str, str]:
    """Make two accounts with a bucket each; the destination's account may read the source bucket."""
    source = commands.add_key(_SOURCE_ACCOUNT)
    destination = commands.add_key(_DESTINATION_ACCOUNT)
    reading = {
        "Effect": "Allow",
        "Principal": {"AWS": _DESTINATION_ACCOUNT},
        "Action": ["s3:GetObject*", "s3:ListBucket"],
        "Resource": ["arn:aws:s3:::source", "arn:aws:s3:::source/*"],
    }
    commands.create_bucket("source", _SOURCE_ACCOUNT, policy={"Statement": [reading]})
    commands.create_bucket("destination", _DESTINATION_ACCOUNT)
    commands.fill("source", options.objects, options.size, options.prefix)
    commands.set_latency({"*": options.latency} if options.latency else {})
    commands.set_rate_limit(writes=options.rate, depth=1)
    return {
        "SRC_ACCESS_KEY": source["access_key"],
        "SRC_SECRET_KEY": source["secret_key"],
        "SRC_BUCKET": "source",
        "DST_ACCESS_KEY": destination["access_key"],
        "DST_SECRET_KEY": destination["secret_key"],
        "DST_BUCKET": "destination",
    }


def _announce(addresses: Addresses, commands: Commands, options: argparse.Namespace) -> None:
    if options.bare:
        sys.stdout.write(json.dumps(asdict(addresses)) + "\n")
    else:
        settings = create_buckets(commands, options)
        ends = {
            f"{side}_{name}": value
            for side in ("SRC", "DST")
            for name, value in (("ENDPOINT_URL", addresses.endpoint), ("REGION", options.region))
        }
        trust = {"AWS_CA_BUNDLE": addresses.ca_file} if addresses.ca_file else {}
        for name, value in (settings | ends | trust).items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.write(f"# control: http://127.0.0.1:{addresses.control_port}/_control/COMMAND\n")
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> None:
    """Serve until interrupted; print the endpoint and credentials as shell exports."""
    options = _parser().parse_args(arguments)
    asyncio.run(
        serve(
            World(region=options.region),
            options.port,
            tls=options.tls,
            parent=options.parent,
            ready=lambda addresses, commands: _announce(addresses, commands, options),
        )
    )


if __name__ == "__main__":
    main()
