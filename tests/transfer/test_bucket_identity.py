"""Whether the credentials that copy see the right buckets, on a store with a namespace of buckets per account."""

from collections.abc import Callable, Iterator

import pytest

from s3mover.errors import S3Error, VerificationError
from s3mover.model import BucketAddress, Credentials, Order
from s3mover.s3.bucket import Bucket
from s3mover.transfer.bucket_identity import DestinationIdentity, SourceIdentity
from simulator import Simulator, SimulatorKey
from testkit.world import EVERYTHING, grant

ONE, TWO = "111111111111", "222222222222"
METADATA = {"metadata": {"owner": "one"}}


class Accounts:
    """Two accounts of a store; `buckets` are removed at the end."""

    def __init__(self, s3: Simulator) -> None:
        self.s3 = s3
        policies = [{"Statement": EVERYTHING}]
        self.keys = {account: s3.add_key(account, "user/u", policies) for account in (ONE, TWO)}
        self.buckets: list[str] = []
        self._seen: list[Bucket] = []

    def close(self) -> None:
        for bucket in self._seen:
            bucket.close_thread()

    def create(self, name: str, owner: str, **settings: object) -> None:
        self.s3.create_bucket(name, owner, **settings)
        self.buckets.append(name)

    def see(self, account: str, name: str = "docs") -> Bucket:
        """Return a bucket as an account's requests find it."""
        key: SimulatorKey = self.keys[account]
        port = int(self.s3.endpoint.rpartition(":")[2])
        address = BucketAddress(name, "http", "127.0.0.1", port, f"/{name}", self.s3.region)
        self._seen.append(
            Bucket(address, lambda: Credentials(key.access_key, key.secret_key), lambda *_: None)
        )
        return self._seen[-1]

    def source(self, clock: Callable[[], float] = lambda: 0.0) -> SourceIdentity:
        return SourceIdentity(self.see(ONE), self.see(TWO), self.see(TWO, "copies"), clock)

    def order(self, account: str = ONE) -> Order:
        """Return the order of the one object of the bucket `docs`."""
        [entry] = self.see(account).list_page("").entries
        return Order(1, 1, entry.key, entry.key, entry.size, entry.etag, entry.last_modified, "STANDARD")


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator() as running:
        yield running


@pytest.fixture
def accounts(simulator: Simulator) -> Iterator[Accounts]:
    made = Accounts(simulator)
    made.create("copies", TWO)
    yield made
    made.close()
    simulator.clear_log()
    simulator.clear_faults()
    for name in made.buckets:
        simulator.remove_bucket(name)


def shared(accounts: Accounts, *actions: str) -> None:
    """Make the one bucket `docs`, which the other account may use, too."""
    accounts.create("docs", ONE, policy=grant(TWO, "docs", *actions))
    accounts.s3.put_object("docs", "k", b"x", **METADATA)


def separate(accounts: Accounts) -> None:
    """Make a bucket `docs` for each account."""
    accounts.create(f"{ONE}:docs", ONE)
    accounts.create(f"{TWO}:docs", TWO)
    accounts.s3.put_object(f"{ONE}:docs", "k", b"x", **METADATA)


def test_one_look_proves_one_bucket(accounts: Accounts) -> None:
    """The next copies cost no further request."""
    shared(accounts, "s3:GetObject")
    identity, order = accounts.source(), accounts.order()
    accounts.s3.clear_log()
    for _ in range(3):
        identity.before(order)
    assert accounts.s3.counts() == {"HeadObject": 2}


@pytest.mark.parametrize(
    "other",
    [
        None,
        {"body": b"y", **METADATA},
        {"body": b"x", "metadata": {"owner": "two"}},
        {"body": b"x", "age": 60, **METADATA},
    ],
    ids=["nothing", "other content", "other metadata", "another time"],
)
def test_another_bucket_of_the_name_is_recognised(
    accounts: Accounts, other: dict[str, object] | None
) -> None:
    """Content, time and properties must be alike; it is not asked again for a while."""
    separate(accounts)
    if other is not None:
        accounts.s3.put_objects(f"{TWO}:docs", [{"key": "k", **other}])
    now = [0.0]
    identity, order = accounts.source(lambda: now[-1]), accounts.order()
    with pytest.raises(S3Error, match="DifferentBucket"):
        identity.before(order)
    accounts.s3.clear_log()
    with pytest.raises(S3Error, match="DifferentBucket"):
        identity.before(order)
    assert accounts.s3.counts() == {}
    now.append(1e6)
    with pytest.raises(S3Error, match="DifferentBucket"):
        identity.before(order)
    assert sum(accounts.s3.counts().values()) > 0


def test_a_denied_look_leaves_it_to_the_copy(accounts: Accounts) -> None:
    """Where it succeeds all the same, its properties must be those of the source."""
    shared(accounts)
    identity, order = accounts.source(), accounts.order()
    identity.before(order)
    accounts.s3.put_object("copies", "k", b"x", metadata={"owner": "two"})
    stored = accounts.see(TWO, "copies").head("k")
    with pytest.raises(VerificationError, match="properties of another object"):
        identity.after(order, stored)  # type: ignore[arg-type]  # only the ETag counts
    accounts.s3.put_object("copies", "k", b"x", **METADATA)
    identity = accounts.source()
    identity.before(order)
    identity.after(order, stored)  # type: ignore[arg-type]


def destination(accounts: Accounts) -> DestinationIdentity:
    """Return the identity of the destination `docs` of account one, into which account two copies."""
    return DestinationIdentity(accounts.see(ONE), accounts.see(TWO), lambda: 0.0)


@pytest.mark.parametrize("at", [ONE, TWO])
def test_an_object_that_only_one_side_sees_is_in_another_bucket(accounts: Accounts, at: str) -> None:
    """Nothing is written there: it would be overwritten."""
    separate(accounts)
    order = accounts.order()
    accounts.s3.delete_objects(f"{ONE}:docs", ["k"])
    accounts.s3.put_object(f"{at}:docs", "k", b"x")
    with pytest.raises(S3Error, match="DifferentBucket"):
        destination(accounts).before(order)


def test_a_copy_that_the_destination_does_not_show_was_written_elsewhere(accounts: Accounts) -> None:
    """Neither bucket had the key before, so nothing told."""
    separate(accounts)
    order = accounts.order()
    accounts.s3.delete_objects(f"{ONE}:docs", ["k"])
    identity = destination(accounts)
    identity.before(order)
    accounts.s3.put_object(f"{TWO}:docs", "k", b"x")
    with pytest.raises(VerificationError, match="another bucket"):
        identity.after(order, accounts.see(TWO).head("k"))  # type: ignore[arg-type]
    with pytest.raises(S3Error, match="DifferentBucket"):
        identity.before(order)


def test_credentials_that_may_only_write_are_proven_by_their_copy(accounts: Accounts) -> None:
    """A look is denied to them."""
    shared(accounts)
    identity, order = destination(accounts), accounts.order()
    identity.before(order)
    identity.after(order, accounts.see(ONE).head("k"))  # type: ignore[arg-type]
    accounts.s3.clear_log()
    identity.before(order)
    assert accounts.s3.counts() == {}
