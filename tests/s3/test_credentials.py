"""Credentials that are kept fresh, and the process that finds them."""

import pytest

from s3mover.errors import UnreachableError
from s3mover.events import CredentialsRefreshed, Event
from s3mover.model import BucketAddress, Credentials, Side
from s3mover.s3.credentials import RENEWAL_SECONDS, RETRY_SECONDS, RefreshingCredentials
from s3mover.s3.side_access import ResolvedSide, SideAccess

ACCESS = SideAccess(
    Side.SOURCE, "buck", region="eu-west-1", access_key="AKIAEXAMPLE", secret_key="very/secret"
)
ADDRESS = BucketAddress("buck", "https", "buck.s3.eu-west-1.amazonaws.com", 443, "", "eu-west-1")


class Chain:
    """Returns what the test sets, and counts; so does its clock."""

    def __init__(self, *given: Credentials | UnreachableError) -> None:
        self.given = list(given)
        self.asked = 0
        self.now = 1000.0

    def find(self, _: SideAccess) -> ResolvedSide:
        self.asked += 1
        next_one = self.given.pop(0)
        if isinstance(next_one, UnreachableError):
            raise next_one
        return ResolvedSide(ADDRESS, next_one)


def resolve_credentials(chain: Chain, events: list[Event]) -> RefreshingCredentials:
    found = chain.find(ACCESS)
    chain.asked = 0
    return RefreshingCredentials(ACCESS, found, chain.find, events.append, lambda: chain.now)


def lasting(name: str, expires_at: float | None) -> Credentials:
    return Credentials(name, "secret", "token", expires_at)


def test_lasting_credentials_are_resolved_once() -> None:
    """They are not resolved again, however long it runs."""
    chain = Chain(lasting("A", None))
    identity = resolve_credentials(chain, [])
    chain.now += 1e9
    assert identity.credentials().access_key == "A"
    assert chain.asked == 0


def test_credentials_are_renewed_before_they_expire() -> None:
    """Once, and it is announced."""
    chain, events = Chain(lasting("A", 5000.0), lasting("B", 9000.0)), list[Event]()
    identity = resolve_credentials(chain, events)
    chain.now = 5000.0 - RENEWAL_SECONDS - 1
    assert (identity.credentials().access_key, events) == ("A", [])
    chain.now += 1
    assert [identity.credentials().access_key for _ in range(3)] == ["B"] * 3
    assert (chain.asked, events) == (1, [CredentialsRefreshed(Side.SOURCE)])


def test_a_renewal_that_fails_is_made_again_while_the_old_ones_hold() -> None:
    """After a while each time; once they have expired, the failure is the caller's."""
    chain, events = (
        Chain(lasting("A", 5000.0), *[UnreachableError("away")] * 3, lasting("B", None)),
        list[Event](),
    )
    identity = resolve_credentials(chain, events)
    chain.now = 5000.0 - RENEWAL_SECONDS
    assert [identity.credentials().access_key for _ in range(3)] == ["A"] * 3
    assert chain.asked == 1
    chain.now += RETRY_SECONDS
    assert identity.credentials().access_key == "A"
    assert chain.asked == 2
    chain.now = 5000.0
    with pytest.raises(UnreachableError, match="away"):
        identity.credentials()
    assert identity.credentials().access_key == "B"
    assert events == [CredentialsRefreshed(Side.SOURCE)]


def test_a_source_that_returns_the_same_credentials_is_not_asked_for_every_request() -> None:
    """Some give one set until its last minutes."""
    same = lasting("A", 5000.0)
    chain, events = Chain(same, same, lasting("B", None)), list[Event]()
    identity = resolve_credentials(chain, events)
    chain.now = 4990.0
    assert [identity.credentials().access_key for _ in range(3)] == ["A"] * 3
    assert (chain.asked, events) == (1, [])


def test_secrets_are_not_shown() -> None:
    """Neither the settings of a side nor its resolved credentials."""
    access = SideAccess(Side.SOURCE, "b", "", "", "AKIAEXAMPLE", "very/secret", "tok", "", "", "hidden-id")
    shown = repr(access) + repr(ResolvedSide(ADDRESS, Credentials("AKIAEXAMPLE", "very/secret", "tok")))
    assert not any(secret in shown for secret in ("very/secret", "tok'", "hidden-id", "AKIAEXAMPLE"))
