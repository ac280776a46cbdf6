"""What is measured: s3mover and its peers, each as the command that does the same work with as many threads.

Peers that are not installed are named as missing. `bench/peers.txt` pins those that come from PyPI.
"""

import configparser
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.world import ACCESS_KEY, REGION, SECRET_KEY, THREADS, World

PEERS = Path(sys.executable).parent.parent / "peers" / "bin"
S3MOVER = "s3mover"


# The daemon, from its start over one sweep to its end.
DAEMON = [sys.executable, "-m", "s3mover", "run", "--max-sweeps", "1"]


class Subject(NamedTuple):
    """A program: `copy` moves everything, `sync` compares both buckets and finds everything in place.

    `slow` ones get a tenth of the objects: their rate does not depend on it, and their runs would take minutes.
    """

    name: str
    version: str
    copy: Sequence[str]
    sync: Sequence[str]
    settings: dict[str, str]
    slow: bool = False


def s3mover(world: World) -> Subject:
    """Return s3mover itself, with its trail on MariaDB, serving its metrics and writing its log."""
    return Subject(S3MOVER, "this checkout", DAEMON, DAEMON, world.settings())


def peers(world: World) -> tuple[list[Subject], list[str]]:
    """Return the peers that are there, and the names of those that are not."""
    found, missing = [], []
    for name, make in _PEERS.items():
        subject = make(world)
        if subject is None:
            missing.append(name)
        else:
            found.append(subject)
    return found, missing


def _s5cmd(world: World) -> Subject | None:
    program = _program("s5cmd")
    if program is None:
        return None
    base = [program, "--numworkers", str(THREADS), "--endpoint-url", world.source.endpoint, "--log", "error"]
    what = ["s3://source/*", "s3://destination/"]
    return Subject(
        "s5cmd", _said(program, "version"), [*base, "cp", *what], [*base, "sync", *what], _credentials(world)
    )


def _aws(world: World) -> Subject | None:
    program = _program("aws")
    if program is None:
        return None
    config = world.folder / "aws-config"
    lines = ["[default]", "s3 =", f"  max_concurrent_requests = {THREADS}", "  multipart_chunksize = 64MB"]
    config.write_text("\n".join(lines))
    command = [program, "--endpoint-url", world.source.endpoint, "s3", "sync"]
    command += ["s3://source", "s3://destination", "--only-show-errors"]
    settings = _credentials(world) | {"AWS_CONFIG_FILE": str(config)}
    return Subject("aws s3 sync", _said(program, "--version"), command, command, settings, slow=True)


def _rclone(world: World) -> Subject | None:
    program = _program("rclone")
    if program is None:
        return None
    path = world.folder / "rclone.conf"
    remote = configparser.ConfigParser()
    remote["s3"] = {
        "type": "s3", "provider": "Other", "endpoint": world.source.endpoint, "region": REGION,
        "access_key_id": ACCESS_KEY, "secret_access_key": SECRET_KEY, "no_check_bucket": "true",
    }  # fmt: skip
    with path.open("w") as text:
        remote.write(text)
    command = [
        program,
        "--config",
        str(path),
        "copy",
        "s3:source",
        "s3:destination",
        "--fast-list",
        "--checksum",
    ]
    command += ["--transfers", str(THREADS), "--checkers", str(THREADS), "--ca-cert", world.source.ca_file]
    version = _said(program, "version").split("\n")[0]
    return Subject("rclone", version, command, command, {}, slow=True)


def _boto3(world: World) -> Subject:
    command = [
        sys.executable,
        str(Path(__file__).with_name("boto3_pool.py")),
        world.source.endpoint,
        str(THREADS),
    ]
    return Subject(
        "boto3 threads",
        _boto3_version(),
        [*command, "copy"],
        [*command, "sync"],
        _credentials(world),
        slow=True,
    )


_PEERS: dict[str, Callable[[World], Subject | None]] = {
    "s5cmd": _s5cmd,
    "rclone": _rclone,
    "aws s3 sync": _aws,
    "boto3 threads": _boto3,
}


def _boto3_version() -> str:
    return _said(sys.executable, "-c", "import boto3; print(boto3.__version__)")


def _credentials(world: World) -> dict[str, str]:
    return {
        "AWS_ACCESS_KEY_ID": ACCESS_KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_CA_BUNDLE": world.source.ca_file,
        "SSL_CERT_FILE": world.source.ca_file,
    }


def _program(name: str) -> str | None:
    return shutil.which(name, path=str(PEERS)) or (shutil.which(name) if name == "rclone" else None)


def _said(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
