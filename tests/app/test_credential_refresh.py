"""Refused credentials are resolved again, and the supervisor is told of changes that may help."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import cast

import pytest

from s3mover.app.credential_refresh import (
    CREDENTIALS_SECONDS,
    LONGEST_RESOLVE_SECONDS,
    CredentialRefresher,
    may_help,
)
from s3mover.app.current_settings import CurrentSettings
from s3mover.app.endpoints import Endpoints
from s3mover.app.side_access import side_accesses
from s3mover.errors import ListingError, MoverError, S3Error, UnreachableError
from s3mover.model import BucketAddress, Credentials, Side
from s3mover.s3.credentials import RefreshingCredentials
from s3mover.s3.side_access import ResolvedSide, SideAccess
from s3mover.settings import Settings
from s3mover.settings.load import load
from s3mover.workers.pool.route_client import RouteClient

ADDRESS = BucketAddress("bucket", "https", "s3.example", 443, "/bucket", "eu-central-1")
KEYS = Credentials("AKIA", "secret-of-a-key")
SESSION = Credentials("ASIA", "secret-of-a-session", "token")
EXPIRED = S3Error("ExpiredToken", status=400)
DENIED = S3Error("AccessDenied", status=403)


def settings(key: str = "") -> Settings:
    buckets = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs"}
    keys = {"SRC_ACCESS_KEY": key, "SRC_SECRET_KEY": f"secret-of-{key}"} if key else {}
    return load(None, buckets | keys, {})


class Place:
    """A refresher whose settings, credentials and time the test sets."""

    def __init__(self) -> None:
        self.now = 0.0
        self.read = settings()
        self.found = KEYS
        self.reads = 0
        self.sent: list[Credentials] = []
        current = CurrentSettings(self.read, self._read)
        source, destination = (self._side(access) for access in side_accesses(self.read))
        sides = {Side.SOURCE: source, Side.DESTINATION: destination}
        endpoints = SimpleNamespace(credentials=sides.__getitem__)
        client = SimpleNamespace(renew_credentials=lambda _side, fresh: self.sent.append(fresh))
        self.refresher = CredentialRefresher(
            current, "", cast("Endpoints", endpoints), cast("RouteClient", client), lambda: self.now
        )

    def polls(self, seconds: float) -> Iterator[float]:
        """Poll for so many seconds and yield the times at which the settings were read."""
        for _ in range(int(seconds) + 1):
            before = self.reads
            self.refresher.poll()
            if self.reads != before:
                yield self.now
            self.now += 1

    def _read(self) -> Settings:
        self.reads += 1
        return self.read

    def _side(self, access: SideAccess) -> RefreshingCredentials:
        return RefreshingCredentials(access, self._resolve(access), self._resolve)

    def _resolve(self, _access: SideAccess) -> ResolvedSide:
        return ResolvedSide(ADDRESS, self.found)


@pytest.fixture
def place() -> Place:
    """A refresher that has just been made."""
    return Place()


@pytest.mark.parametrize("error", [None, ListingError("keys do not ascend")])
def test_credentials_that_are_not_refused_are_not_resolved_again(
    place: Place, error: MoverError | None
) -> None:
    """Neither after a good sweep nor after one that failed for another reason."""
    place.refresher.sweep_ended(error)
    assert list(place.polls(300)) == []


def test_refused_credentials_are_resolved_at_once_then_ever_more_seldom(place: Place) -> None:
    """Further refusals change nothing about that; a sweep that is not refused begins anew."""
    place.refresher.sweep_ended(EXPIRED)
    assert list(place.polls(29)) == [0, CREDENTIALS_SECONDS]
    place.refresher.sweep_ended(EXPIRED)
    assert list(place.polls(160)) == [30, 70, 130, 130 + LONGEST_RESOLVE_SECONDS]
    place.refresher.sweep_ended(None)
    assert list(place.polls(160)) == []
    place.refresher.sweep_ended(DENIED)
    assert list(place.polls(0)) == [place.now - 1]


def test_fresh_credentials_are_sent_and_end_the_wait(place: Place) -> None:
    """Also if nothing in the settings changed: a profile's file did, or a session was renewed."""
    place.refresher.sweep_ended(EXPIRED)
    place.refresher.poll()
    assert (place.sent, place.refresher.renewals) == ([], 0)
    place.found = SESSION
    list(place.polls(CREDENTIALS_SECONDS))
    assert place.sent == [SESSION, SESSION]
    assert place.refresher.renewals > 0


def test_another_session_does_not_end_the_wait_for_a_permission(place: Place) -> None:
    """Each session of a role is new, and has the same permissions."""
    place.refresher.sweep_ended(DENIED)
    place.found = SESSION
    list(place.polls(300))
    assert (place.sent, place.refresher.renewals) == ([SESSION, SESSION], 0)


def test_another_key_in_the_settings_ends_the_wait_for_a_permission(place: Place) -> None:
    """A mounted secret that was replaced may belong to another user."""
    place.refresher.sweep_ended(DENIED)
    place.read = settings("AKIANEW")
    list(place.polls(CREDENTIALS_SECONDS))
    assert place.refresher.renewals == 1


@pytest.mark.parametrize(
    ("refusal", "fresh", "helps"),
    [
        (None, KEYS, False),
        (None, SESSION, False),
        (EXPIRED, KEYS, True),
        (EXPIRED, SESSION, True),
        (S3Error("SignatureDoesNotMatch", status=403), SESSION, True),
        (UnreachableError("source: no credentials"), SESSION, True),
        (DENIED, KEYS, True),
        (DENIED, SESSION, False),
    ],
)
def test_which_change_may_help(refusal: MoverError | None, fresh: Credentials, *, helps: bool) -> None:
    """The table of `may_help`."""
    assert may_help(refusal, fresh) is helps
