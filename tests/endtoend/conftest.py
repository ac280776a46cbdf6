"""Two accounts with a bucket each on the simulator, and the environment that points s3mover at them."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from simulator import Simulator, SimulatorKey

SOURCE_ACCOUNT, DESTINATION_ACCOUNT = "111111111111", "222222222222"
SOURCE, DESTINATION = "company-documents", "company-documents-copy"
EVERYTHING = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}


def grant(account: str, bucket: str, *actions: str) -> dict[str, object]:
    """Return a bucket policy that lets all of `account` do `actions`."""
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": list(actions),
        "Resource": resources,
    }
    return {"Statement": [statement]}


@dataclass(frozen=True)
class World:
    """A simulator with the two buckets, and who may use them."""

    s3: Simulator
    source_key: SimulatorKey
    destination_key: SimulatorKey

    @property
    def environment(self) -> dict[str, str]:
        """What a user of the first version had in the environment."""
        values: dict[str, str] = {}
        for side, key, bucket in (
            ("SRC", self.source_key, SOURCE),
            ("DST", self.destination_key, DESTINATION),
        ):
            values |= {
                f"{side}_BUCKET": bucket,
                f"{side}_ACCESS_KEY": key.access_key,
                f"{side}_SECRET_KEY": key.secret_key,
                f"{side}_REGION": self.s3.region,
                f"{side}_ENDPOINT_URL": self.s3.endpoint,
            }
        return values

    def permit_copies(self) -> None:
        """Let the destination's account read the source, tags included, as server-side copies need."""
        policy = grant(DESTINATION_ACCOUNT, SOURCE, "s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket")
        self.s3.configure_bucket(SOURCE, policy=policy)

    def encrypting_key(self, account: str) -> str:
        """Make a KMS key of `account` that everybody may use."""
        policy = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*"}}
        return self.s3.add_kms_key(account, policy)

    def forbid_copies(self) -> None:
        """Leave each account with its own bucket alone."""
        self.s3.configure_bucket(SOURCE, policy={"Statement": []})


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    """One simulator for the tests of a module."""
    with Simulator() as running:
        yield running


def make_world(simulator: Simulator) -> World:
    """Make both buckets and a key for each; server-side copies are permitted."""
    simulator.create_bucket(SOURCE, SOURCE_ACCOUNT)
    simulator.create_bucket(DESTINATION, DESTINATION_ACCOUNT)
    policies = [{"Statement": EVERYTHING}]
    source_key = simulator.add_key(SOURCE_ACCOUNT, "user/reader", policies)
    destination_key = simulator.add_key(DESTINATION_ACCOUNT, "user/mover", policies)
    fresh = World(simulator, source_key, destination_key)
    fresh.permit_copies()
    return fresh


@pytest.fixture
def world(simulator: Simulator) -> Iterator[World]:
    """Fresh buckets; server-side copies are permitted."""
    yield make_world(simulator)
    simulator.clear_faults()
    simulator.set_latency(0)
    simulator.clear_log()
    simulator.remove_bucket(SOURCE)
    simulator.remove_bucket(DESTINATION)
