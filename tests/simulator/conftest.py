"""One simulator and one moto server per test process; buckets and clients of each test's own."""

import os
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any

import boto3
import pytest
from botocore.config import Config

from simulator import Simulator, SimulatorKey
from testkit.moto import running_moto
from testkit.waiting import TOO_LONG

OWNER, STRANGER = "111111111111", "222222222222"
EVERYTHING = {"Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
MakeClient = Callable[[SimulatorKey], Any]
MakeBucket = Callable[..., str]
_NUMBERS = count(1)


@pytest.fixture(scope="session", autouse=True)
def _bare_environment() -> Iterator[None]:
    """Hide the machine's own AWS settings and proxies."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.upper().startswith("AWS_") or name.upper().endswith("_PROXY"):
                patch.delenv(name)
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        patch.setenv("AWS_CONFIG_FILE", os.devnull)
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
        yield


@pytest.fixture(scope="session")
def simulator() -> Iterator[Simulator]:
    """Run one simulator for all tests of the process."""
    with Simulator() as running:
        yield running


@pytest.fixture(scope="session")
def moto_url() -> Iterator[str]:
    """Run moto's server."""
    with running_moto() as url:
        yield url


def boto_client(endpoint: str, key: SimulatorKey) -> Any:
    """Make a boto3 client that asks once and believes what it gets."""
    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id=key.access_key,
        aws_secret_access_key=key.secret_key,
        aws_session_token=key.session_token or None,
        config=Config(
            retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, read_timeout=TOO_LONG
        ),
    )


@pytest.fixture(scope="session")
def client_of(simulator: Simulator) -> Iterator[MakeClient]:
    """Make boto3 clients of the simulator, by their keys; they are kept, for they are slow to make."""
    clients: dict[SimulatorKey, Any] = {}

    def make(key: SimulatorKey) -> Any:
        if key not in clients:
            clients[key] = boto_client(simulator.endpoint, key)
        return clients[key]

    yield make
    for client in clients.values():
        client.close()


@pytest.fixture(scope="session")
def owner_key(simulator: Simulator) -> SimulatorKey:
    """The root key of the account that owns the buckets."""
    return simulator.add_key(OWNER)


@pytest.fixture(scope="session")
def owner(client_of: MakeClient, owner_key: SimulatorKey) -> Any:
    """The buckets' owner as a boto3 client."""
    return client_of(owner_key)


@pytest.fixture(scope="session")
def stranger_key(simulator: Simulator) -> SimulatorKey:
    """A user of another account, whom its own account allows everything."""
    return simulator.add_key(STRANGER, "user/stranger", [EVERYTHING])


@pytest.fixture(scope="session")
def stranger(client_of: MakeClient, stranger_key: SimulatorKey) -> Any:
    """The stranger as a boto3 client."""
    return client_of(stranger_key)


@pytest.fixture
def make_bucket(simulator: Simulator) -> MakeBucket:
    """Make buckets that no other test uses."""

    def make(account: str = OWNER, **settings: Any) -> str:
        name = f"bucket-{os.getpid()}-{next(_NUMBERS)}"
        simulator.create_bucket(name, account, **settings)
        return name

    return make


@pytest.fixture
def bucket(make_bucket: MakeBucket) -> str:
    """One empty bucket of the owner."""
    return make_bucket()


@pytest.fixture(autouse=True)
def _no_faults(request: pytest.FixtureRequest) -> Iterator[None]:
    """Take every fault, delay and limit away after a test that used the shared simulator."""
    yield
    if "simulator" in request.fixturenames:
        simulator: Simulator = request.getfixturevalue("simulator")
        simulator.clear_faults()
        simulator.set_latency()
        simulator.set_clock(0)
