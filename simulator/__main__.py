"""The command `python -m simulator`: a simulator by hand, for benches and for trying things out."""

import argparse
import asyncio
import json
import re
import sys
from dataclasses import asdict

from simulator.commands import RouteClient
from simulator.process import Opened, serve
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
    parser.add_argument("--tls", action="store_true", help="serve HTTPS with a throw-away authority")
    parser.add_argument("--objects", type=int, default=0, help="virtual objects in the source bucket")
    parser.add_argument("--size", type=int, default=1024, help="their size in bytes")
    parser.add_argument("--prefix", default="documents/", help="what their keys begin with")
    parser.add_argument("--latency", type=duration, default=0.0, help="what every answer takes, such as 30ms")
    parser.add_argument(
        "--rate", type=float, default=0.0, help="writes a second that each prefix gives (0: any)"
    )
    parser.add_argument("--bare", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--parent", type=int, default=0, help=argparse.SUPPRESS)
    return parser


def furnish(desk: RouteClient, options: argparse.Namespace) -> dict[str, str]:
    """Make two accounts with a bucket each, and let the destination's key read the source bucket."""
    source = desk.add_key(_SOURCE_ACCOUNT)
    destination = desk.add_key(_DESTINATION_ACCOUNT)
    reading = {
        "Effect": "Allow",
        "Principal": {"AWS": _DESTINATION_ACCOUNT},
        "Action": ["s3:GetObject*", "s3:ListBucket"],
        "Resource": ["arn:aws:s3:::source", "arn:aws:s3:::source/*"],
    }
    desk.create_bucket("source", _SOURCE_ACCOUNT, policy={"Statement": [reading]})
    desk.create_bucket("destination", _DESTINATION_ACCOUNT)
    desk.fill("source", options.objects, options.size, options.prefix)
    desk.set_latency({"*": options.latency} if options.latency else {})
    desk.set_rate_limit(writes=options.rate, depth=1)
    return {
        "SRC_ACCESS_KEY": source["access_key"],
        "SRC_SECRET_KEY": source["secret_key"],
        "SRC_BUCKET": "source",
        "DST_ACCESS_KEY": destination["access_key"],
        "DST_SECRET_KEY": destination["secret_key"],
        "DST_BUCKET": "destination",
    }


def _announce(opened: Opened, desk: RouteClient, options: argparse.Namespace) -> None:
    if options.bare:
        sys.stdout.write(json.dumps(asdict(opened)) + "\n")
    else:
        settings = furnish(desk, options)
        ends = {
            f"{side}_{name}": value
            for side in ("SRC", "DST")
            for name, value in (("ENDPOINT_URL", opened.endpoint), ("REGION", options.region))
        }
        trust = {"AWS_CA_BUNDLE": opened.ca_file} if opened.ca_file else {}
        for name, value in (settings | ends | trust).items():
            sys.stdout.write(f"export {name}={value}\n")
        sys.stdout.write(f"# control: http://127.0.0.1:{opened.control_port}/_control/COMMAND\n")
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
            ready=lambda opened, desk: _announce(opened, desk, options),
        )
    )


if __name__ == "__main__":
    main()
