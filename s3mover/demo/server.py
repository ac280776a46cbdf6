"""An embedded S3 server with two accounts, each with a bucket, and the client that fills them.

The client uses boto3, as a user would. The server is a process of its own (`moto_process.py`), so that it shares no
interpreter with s3mover.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlencode

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from s3mover.demo.documents import Document
from s3mover.errors import SettingsError, UnreachableError
from s3mover.model import Credentials

REGION = "us-east-1"
SOURCE_ACCOUNT = "111111111111"
DESTINATION_ACCOUNT = "222222222222"
SOURCE_BUCKET = "acme-documents"
DESTINATION_BUCKET = "acme-documents-replica"
LOOPBACK = "127.0.0.1"
# Buckets are always in the path; otherwise moto would read them from the host name.
_PATHS_ONLY = {"S3_IGNORE_SUBDOMAIN_BUCKETNAME": "true"}
_SETTINGS = """\
source:
  bucket: {source.bucket}
  region: {region}
  endpoint_url: {endpoint_url}
  access_key: {source.credentials.access_key}
  secret_key: {source.credentials.secret_key}
  session_token: {source.credentials.session_token}
{events}destination:
  bucket: {destination.bucket}
  region: {region}
  endpoint_url: {endpoint_url}
  access_key: {destination.credentials.access_key}
  secret_key: {destination.credentials.secret_key}
  session_token: {destination.credentials.session_token}
"""
_EVENTS = """\
  events:
    queue: {endpoint_url}/{account}/{queue}
    region: {region}
    wait: 5s
"""
QUEUE = "acme-events"
_NEEDED = ("moto", "flask", "flask_cors", "werkzeug")
_THREADS = 8  # the server has a single interpreter; more threads would only wait


@dataclass(frozen=True, slots=True)
class Account:
    """One of the two accounts: its number, its bucket, and temporary credentials of a role in it."""

    number: str
    bucket: str
    credentials: Credentials


@dataclass(frozen=True, slots=True)
class DemoServer:
    """A running server, its two accounts, and the id of its process."""

    endpoint_url: str
    region: str
    source: Account
    destination: Account
    process: int

    def client(self, service: str, account: Account) -> Any:
        """Return a boto3 client of `service` (`s3`, `sts`) that acts for `account`."""
        return _client(self.endpoint_url, service, account.credentials)

    def put(self, documents: Iterable[Document]) -> int:
        """Put documents into the source bucket, several at once, and return their number.

        Raises:
            UnreachableError: the server refused one, or died.
        """
        s3 = self.client("s3", self.source)
        with _translated_errors(), ThreadPoolExecutor(_THREADS) as pool:
            return sum(pool.map(lambda document: _put(s3, self.source.bucket, document), documents))

    def delete(self, keys: Iterable[str], account: Account | None = None) -> None:
        """Delete objects of the bucket of an account, by default of the source.

        Raises:
            UnreachableError: the server refused one, or died.
        """
        account = account or self.source
        s3 = self.client("s3", account)
        with _translated_errors():
            for key in keys:
                s3.delete_object(Bucket=account.bucket, Key=key)

    def notify_queue(self) -> None:
        """Make a queue with a dead-letter queue in the source's account, and let its bucket notify it.

        Raises:
            UnreachableError: the server refused it, or died.
        """
        sqs, s3 = self.client("sqs", self.source), self.client("s3", self.source)
        with _translated_errors():
            dead = sqs.create_queue(QueueName=f"{QUEUE}-dead")["QueueUrl"]
            redrive = json.dumps({"deadLetterTargetArn": _queue_arn(sqs, dead), "maxReceiveCount": 10})
            queue = sqs.create_queue(QueueName=QUEUE, Attributes={"RedrivePolicy": redrive})["QueueUrl"]
            events = ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]
            configured = {"QueueConfigurations": [{"QueueArn": _queue_arn(sqs, queue), "Events": events}]}
            s3.put_bucket_notification_configuration(
                Bucket=self.source.bucket, NotificationConfiguration=configured
            )

    def settings(self, endpoint_url: str, *, events: bool = False) -> str:
        """Return the sections of a settings file with both buckets, for a daemon that uses `endpoint_url`.

        With `events` it receives them from the queue of `notify_queue`.
        """
        queue = _EVENTS.format(
            endpoint_url=endpoint_url, account=self.source.number, queue=QUEUE, region=self.region
        )
        return _SETTINGS.format(
            endpoint_url=endpoint_url,
            region=self.region,
            source=self.source,
            destination=self.destination,
            events=queue if events else "",
        )


@contextmanager
def demo_server(host: str = LOOPBACK, port: int = 0) -> Iterator[DemoServer]:
    """Start the server with both accounts and empty buckets; it ends with the block or with this process.

    `host` is the address to listen at; port 0 selects a free port.

    Raises:
        SettingsError: moto is not installed.
        UnreachableError: the server did not start.
    """
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        raise SettingsError([f"the demo needs {' and '.join(missing)}: pip install 's3mover[demo]'"])
    with _serving(host, port) as (process, endpoint_url):
        with _translated_errors():
            source = _account(endpoint_url, SOURCE_ACCOUNT, SOURCE_BUCKET)
            destination = _account(endpoint_url, DESTINATION_ACCOUNT, DESTINATION_BUCKET)
        yield DemoServer(endpoint_url, REGION, source, destination, process)


@contextmanager
def _serving(host: str, port: int) -> Iterator[tuple[int, str]]:
    """Run the server process; it ends when its standard input is closed.

    It gets a session of its own, so that Ctrl-C at the terminal does not end it before the demo.
    """
    process = subprocess.Popen(  # noqa: S603 - host and port are not user input
        [sys.executable, "-m", "s3mover.demo.moto_process", host, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={name: value for name, value in os.environ.items() if not name.startswith("MOTO_")} | _PATHS_ONLY,
        start_new_session=True,
    )
    with process:
        bound = process.stdout.readline().strip().decode() if process.stdout else ""
        if not bound:
            raise UnreachableError(f"the embedded S3 server did not start (exit code {process.wait()})")
        yield process.pid, f"http://{LOOPBACK}:{bound}"


def _account(endpoint_url: str, number: str, bucket: str) -> Account:
    sts = _client(endpoint_url, "sts", Credentials("demo", "demo"))
    role = f"arn:aws:iam::{number}:role/s3mover-demo"
    issued = sts.assume_role(RoleArn=role, RoleSessionName="demo")["Credentials"]
    credentials = Credentials(
        issued["AccessKeyId"],
        issued["SecretAccessKey"],
        issued["SessionToken"],
        issued["Expiration"].timestamp(),
    )
    _client(endpoint_url, "s3", credentials).create_bucket(Bucket=bucket)
    return Account(number, bucket, credentials)


def _client(endpoint_url: str, service: str, credentials: Credentials) -> Any:
    return boto3.session.Session().client(
        service,
        endpoint_url=endpoint_url,
        region_name=REGION,
        aws_access_key_id=credentials.access_key,
        aws_secret_access_key=credentials.secret_key,
        aws_session_token=credentials.session_token or None,
        # No proxies: the server is on this machine, whatever proxy the environment configures.
        config=Config(max_pool_connections=_THREADS, s3={"addressing_style": "path"}, proxies={}),
    )


def _queue_arn(sqs: Any, url: str) -> str:
    found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    arn: str = found["Attributes"]["QueueArn"]
    return arn


def _put(s3: Any, bucket: str, document: Document) -> int:
    s3.put_object(
        Bucket=bucket,
        Key=document.key,
        Body=document.body(),
        ContentType=document.content_type,
        Metadata=dict(document.metadata),
        Tagging=urlencode(document.tags),
    )
    return 1


@contextmanager
def _translated_errors() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise UnreachableError(f"the embedded S3 server: {error}") from error
