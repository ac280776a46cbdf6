"""S3 servers that were not made for s3mover, each a process on a free loopback port with a temporary folder.

They come from package registries, pinned in `requirements-stores.lock`, and lie in an environment of their own, which
`make test-stores` makes.
"""

import json
import os
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from testkit.ports import reserved_port
from testkit.waiting import TOO_LONG, wait_until

PROGRAMS = Path(sys.prefix, "stores", "bin")
REGION = "us-east-1"
ACCESS_KEY, SECRET_KEY = "s3moverstoretest", "s3mover-store-test-secret"


@dataclass(frozen=True)
class ForeignStore:
    """A running store and the key that may do everything on it."""

    name: str
    endpoint: str
    access_key: str = ACCESS_KEY
    secret_key: str = SECRET_KEY
    region: str = REGION


@contextmanager
def running_store(name: str) -> Iterator[ForeignStore]:
    """Run the store of this name until the block ends."""
    with (
        tempfile.TemporaryDirectory(prefix=f"s3mover-{name}-") as folder,
        _STARTERS[name](Path(folder)) as url,
    ):
        yield ForeignStore(name, url)


@contextmanager
def _moto(folder: Path) -> Iterator[str]:
    with reserved_port() as port:
        command = [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(port)]
        with _running(command, {}, folder, port) as url:
            yield url


@contextmanager
def _ministack(folder: Path) -> Iterator[str]:
    with reserved_port() as port:
        settings = {
            "BIND_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(port),
            "SERVICES": "s3,sqs",
            "S3_DATA_DIR": str(folder / "data"),
        }
        with _running([_program("ministack")], settings, folder, port) as url:
            yield url


@contextmanager
def _rclone(folder: Path) -> Iterator[str]:
    (folder / "data").mkdir()
    with reserved_port() as port:
        command = [
            _program("rclone"),
            "serve",
            "s3",
            str(folder / "data"),
            f"--addr=127.0.0.1:{port}",
            f"--auth-key={ACCESS_KEY},{SECRET_KEY}",
            f"--cache-dir={folder / 'cache'}",
            f"--config={folder / 'rclone.conf'}",
        ]
        with _running(command, {}, folder, port) as url:
            yield url


@contextmanager
def _juicefs(folder: Path) -> Iterator[str]:
    metadata = f"sqlite3://{folder}/metadata.db"
    program = _program("juicefs")
    settings = {"MINIO_ROOT_USER": ACCESS_KEY, "MINIO_ROOT_PASSWORD": SECRET_KEY}
    subprocess.run(
        [program, "format", "--trash-days=0", f"--bucket={folder}/data/", metadata, "s3mover"],
        env=_environment(settings, folder),
        check=True,
        capture_output=True,
        timeout=TOO_LONG,
    )
    with reserved_port() as port, reserved_port() as metrics:
        command = [
            program,
            "gateway",
            "--multi-buckets",
            "--keep-etag",
            "--object-tag",
            "--object-meta",
            "--no-usage-report",
            "--backup-meta=0",
            f"--metrics=127.0.0.1:{metrics}",
            f"--cache-dir={folder}/cache",
            f"--log={folder}/log",
            metadata,
            f"127.0.0.1:{port}",
        ]
        with _running(command, settings, folder, port) as url:
            yield url


@contextmanager
def _seaweedfs(folder: Path) -> Iterator[str]:
    (folder / "data").mkdir()
    identity = {
        "name": "mover",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    with ExitStack() as stack:
        ports = {
            name: stack.enter_context(reserved_port())
            for part in ("master", "volume", "filer", "s3")
            for name in (f"{part}.port", f"{part}.port.grpc")
        }
        command = [
            _program("weed"),
            "server",
            f"-dir={folder / 'data'}",
            "-ip=127.0.0.1",
            "-ip.bind=127.0.0.1",
            "-master.telemetry=false",
            "-master.volumeSizeLimitMB=64",
            "-volume.max=1000",
            f"-filer.localSocket={folder}/filer.sock",
            "-s3",
            f"-s3.config={folder / 's3.json'}",
            f"-s3.localSocket={folder}/s3.sock",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            *(f"-{name}={port}" for name, port in ports.items()),
        ]
        with _running(command, {}, folder, ports["s3.port"]) as url:
            yield url


_STARTERS: Mapping[str, Callable[[Path], AbstractContextManager[str]]] = {
    "juicefs": _juicefs,
    "ministack": _ministack,
    "moto": _moto,
    "rclone": _rclone,
    "seaweedfs": _seaweedfs,
}
STORES = sorted(_STARTERS)


def _program(name: str) -> str:
    path = PROGRAMS / name
    if not path.exists():
        raise RuntimeError(
            f"{name} is missing: `make test-stores` installs it from requirements-stores.lock."
        )
    return str(path)


def _environment(settings: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an environment in which a store finds and leaves nothing outside its folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "S3MOVER_"))}
    return {**kept, "HOME": str(folder), "TMPDIR": str(folder), **settings}


@contextmanager
def _running(command: list[str], settings: Mapping[str, str], folder: Path, port: int) -> Iterator[str]:
    """Run a server until the block ends; yield its URL once it answers requests."""
    url = f"http://127.0.0.1:{port}"
    log = folder / "output"
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=folder, env=_environment(settings, folder), stdout=output, stderr=subprocess.STDOUT
        )
        try:
            wait_until(
                lambda: process.poll() is not None or _answers(url),
                f"{command[0]} answers",
                lambda: log.read_text(errors="replace")[-500:],
            )
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} did not start: {log.read_text(errors='replace')[-500:]}")
            yield url
        finally:
            # Nothing of it is needed any more, and some take ten seconds to end by themselves.
            process.kill()
            process.wait()


def _answers(url: str) -> bool:
    """Return whether the server answers at all; a refusal is an answer, an internal error is not."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=TOO_LONG):
            return True
    except urllib.error.HTTPError as refusal:
        with refusal:
            return refusal.code < 500
    except OSError:
        return False
