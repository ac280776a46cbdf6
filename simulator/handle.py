"""The handle by which tests hold a simulator: starts the process, speaks to its control port, ends it."""

import base64
import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from simulator.policy import Document

Json = dict[str, Any]
_ROOT = Path(__file__).resolve().parents[1]
_COMMAND_TIMEOUT = 300.0
"""Seconds that one command may take; filling a million objects takes ten on an idle machine."""


class SimulatorKey(NamedTuple):
    """One access key; `session_token` is "" and `expires_at` None for a lasting one."""

    access_key: str
    secret_key: str
    session_token: str
    account: str
    arn: str
    expires_at: float | None

    def __repr__(self) -> str:
        """Name the key's owner only."""
        return f"SimulatorKey({self.arn}, …{self.access_key[-4:]})"


class Simulator:
    """A running simulator in a process of its own. A context manager; `close` may be called twice.

    `endpoint` is the URL that speaks S3 (path style, or virtual-hosted by a Host header
    `BUCKET.s3.localhost`), `ca_file` the authority to verify it by ("" without TLS), `pid` the process.
    """

    def __init__(self, *, tls: bool = False, port: int = 0, region: str = "us-east-1") -> None:
        command = [sys.executable, "-m", "simulator", "--bare", "--parent", str(os.getpid())]
        command += ["--port", str(port), "--region", region, *(["--tls"] if tls else [])]
        self._process = subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self.close()
            raise RuntimeError("the simulator did not start")
        opened = json.loads(line)
        self.endpoint: str = opened["endpoint"]
        self.ca_file: str = opened["ca_file"]
        self.region = region
        self.pid = self._process.pid
        self._control_port: int = opened["control_port"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if self._process.stdout:
            self._process.stdout.close()

    def command(self, name: str, /, **arguments: Any) -> Any:
        """Carry out one command of the control port (`commands.Commands`) and return its result.

        Raises:
            ValueError: what the command says against its arguments.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._control_port, timeout=_COMMAND_TIMEOUT)
        try:
            connection.request("POST", f"/_control/{name}", json.dumps(arguments))
            response = connection.getresponse()
            result = json.loads(response.read())
        finally:
            connection.close()
        if response.status != http.client.OK:
            raise ValueError(f"{name}: {result['error']}")
        return result

    # accounts

    def add_key(
        self,
        account: str,
        user: str = "root",
        policies: Sequence[Document] = (),
        *,
        session: bool = False,
        expires_in: float | None = None,
        access_key: str = "",
        secret_key: str = "",
    ) -> SimulatorKey:
        """Make an access key of an account (12 digits).

        `user` is `root` (allowed everything that its account may), `user/NAME` or `role/NAME` (allowed what
        `policies`, documents as AWS writes them, allow). `session` gives a session token, `expires_in` (seconds)
        lets it expire. A key that is named (`access_key`, `secret_key`) is taken as it is.
        """
        made = self.command(
            "add_key", account=account, user=user, policies=list(policies), session=session,
            expires_in=expires_in, access_key=access_key, secret_key=secret_key,
        )  # fmt: skip
        return SimulatorKey(**made)

    def set_policies(self, key: SimulatorKey, policies: Sequence[Document]) -> None:
        """Replace the policies of a key's identity."""
        self.command("set_policies", access_key=key.access_key, policies=list(policies))

    def expire_key(self, key: SimulatorKey) -> None:
        """Let a temporary key expire now."""
        self.command("expire_key", access_key=key.access_key)

    def remove_key(self, key: SimulatorKey) -> None:
        """Remove a key, as if it had never been."""
        self.command("remove_key", access_key=key.access_key)

    def add_kms_key(self, account: str, policy: Document | None = None) -> str:
        """Make a KMS key and return its ARN; without a policy it trusts its own account's policies."""
        arn: str = self.command("add_kms_key", account=account, policy=policy)
        return arn

    # buckets

    def create_bucket(self, name: str, owner: str, **settings: Any) -> None:
        """Make a bucket of an account; one named `ACCOUNT:NAME` is what that account's requests find under `NAME`.

        Settings: `region`, `policy` (a document), `versioning` (`Enabled`, `Suspended`), `ownership`
        (`BucketOwnerEnforced`, `BucketOwnerPreferred`, `ObjectWriter`), `default_kms_key` (ARN), `object_lock`,
        `website`, `requester_pays`, `quirks` (names of `faults.QUIRKS`).
        """
        self.command("create_bucket", name=name, owner=owner, **settings)

    def configure_bucket(self, name: str, **settings: Any) -> None:
        """Change the settings that are given; `policy={"Statement": []}` takes the policy away."""
        self.command("configure_bucket", name=name, **settings)

    def remove_bucket(self, name: str) -> None:
        """Remove a bucket with its objects."""
        self.command("remove_bucket", name=name)

    # objects

    def put_object(self, bucket: str, key: str, body: bytes | None = None, **told: Any) -> None:
        """Put one object straight into a bucket; see `put_objects`."""
        self.put_objects(bucket, [{"key": key, "body": body, **told}])

    def put_objects(self, bucket: str, objects: Iterable[Mapping[str, Any]]) -> None:
        """Put objects straight into a bucket, asking no permission and logging no request.

        Each has a `key` and either `body` (bytes) or `size` (and `seed`): virtual content, up to many TiB.
        Optional: `metadata`, `tags`, `headers` (mappings; content headers in lower case), `storage_class`,
        `acl`, `kms_key`, `lock` (`mode`, `until`, `legal_hold`), `redirect`, `age` (seconds), `owner`, `asleep` (in an
        archive tier of INTELLIGENT_TIERING).
        """
        self.command("put_objects", bucket=bucket, objects=[_told(one) for one in objects])

    def fill(self, bucket: str, count: int, size: int = 1024, prefix: str = "", **told: Any) -> None:
        """Put `count` virtual objects `PREFIX00000000`, ... of `size` bytes; `start` and `seed` vary them."""
        self.command("fill", bucket=bucket, count=count, size=size, prefix=prefix, **told)

    def delete_objects(self, bucket: str, keys: Iterable[str]) -> None:
        """Delete objects straight from a bucket."""
        self.command("delete_objects", bucket=bucket, keys=list(keys))

    def read_object(self, bucket: str, key: str) -> bytes:
        """Return an object's bytes (of a large one the first 64 MiB)."""
        return base64.b64decode(self.command("read_object", bucket=bucket, key=key))

    def objects(self, bucket: str, prefix: str = "") -> list[Json]:
        """Describe a bucket's objects in order: `key`, `size`, `content` (equal for equal bytes), properties."""
        found: list[Json] = self.command("objects", bucket=bucket, prefix=prefix)
        return found

    def count(self, bucket: str) -> int:
        """Return how many objects a bucket holds."""
        counted: int = self.command("count", bucket=bucket)
        return counted

    def uploads(self, bucket: str) -> list[Json]:
        """Describe a bucket's multipart uploads under way: `id`, `key`, `parts`."""
        found: list[Json] = self.command("uploads", bucket=bucket)
        return found

    def differences(self, first: str, second: str, **options: Any) -> list[Json]:
        """Compare two buckets, bytes and every property; an empty list means equal.

        Options: `first_prefix`, `second_prefix`, `ignoring` (names of properties), `limit` (100).
        """
        found: list[Json] = self.command("differences", first=first, second=second, **options)
        return found

    # faults, clock, speed

    def add_fault(self, kind: str, **rule: Any) -> int:
        """Put a fault in force and return its id; kinds and fields are those of `faults.Kind`, `faults.Rule`."""
        made: int = self.command("add_fault", kind=kind, **rule)
        return made

    def clear_faults(self, rule_id: int | None = None) -> None:
        """Take one fault, or all, out of force; answers that it holds go out."""
        self.command("clear_faults", rule_id=rule_id)

    def faults(self) -> list[Json]:
        """Describe the faults in force; `hits` says how often each struck."""
        found: list[Json] = self.command("faults")
        return found

    def hits(self, rule_id: int | None = None) -> int:
        """Return how often one fault in force, or all together, struck."""
        return sum(rule["hits"] for rule in self.faults() if rule_id in {None, rule["id"]})

    def set_latency(self, seconds: float = 0.0, **by_operation: float) -> None:
        """Set the seconds that every answer takes, and those of single operations (`CopyObject=0.2`)."""
        self.command("set_latency", latency={"*": seconds} | by_operation)

    def set_rate_limit(
        self,
        bucket: str = "*",
        writes: float = 3500,
        reads: float = 5500,
        depth: int = 1,
        saved: float = 0.1,
    ) -> None:
        """Let each prefix (the first `depth` segments of keys) give so many requests a second; 0: no limit.

        What it might have given within `saved` seconds it gives later.
        """
        rule = {"writes": writes, "reads": reads, "depth": depth, "saved": saved}
        self.command("set_rate_limit", bucket=bucket, **rule)

    def set_clock(self, offset: float) -> None:
        """Set by how many seconds the server's clock is ahead of ours."""
        self.command("set_clock", offset=offset)

    # log

    def log(self, operation: str = "", bucket: str = "", since: int = 0, limit: int = 0) -> list[Json]:
        """Return the newest requests that match, oldest first (`requestlog.Entry`)."""
        found: list[Json] = self.command("log", operation=operation, bucket=bucket, since=since, limit=limit)
        return found

    def counts(self, bucket: str = "") -> dict[str, int]:
        """Return how often each `Operation` (answered well) or `Operation:Code` was answered."""
        found: dict[str, int] = self.command("counts", bucket=bucket)
        return found

    def clear_log(self) -> None:
        """Forget all requests."""
        self.command("clear_log")


def _told(one: Mapping[str, Any]) -> Json:
    body = one.get("body")
    return {**one, "body": None if body is None else base64.b64encode(body).decode()}
