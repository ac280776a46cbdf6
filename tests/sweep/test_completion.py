"""What an interrupted transfer left undone at a copy that arrived."""

from collections.abc import Sequence

import pytest

from s3mover.errors import S3Error
from s3mover.model import INTERRUPTED, BucketAddress, Credentials, Outcome, Status
from s3mover.s3.bucket import Bucket
from s3mover.s3.records import Head
from s3mover.s3.retry import no_retry
from s3mover.sweep.completion import Arrived, complete

TAGS = [("a", "b"), ("c", "d")]
FOUND = Outcome(
    sweep=1,
    number=1,
    key="k",
    size=1,
    status=Status.SUCCESS,
    method=None,
    moved_at=0.0,
    duration_us=0,
    attempts=1,
    source_etag="e",
    destination_etag="e",
    message="found",
)


class Side(Bucket):
    """A bucket with one object's tags; `refusal` is raised by a write of tags."""

    def __init__(self, tags: list[tuple[str, str]], refusal: S3Error | None = None) -> None:
        super().__init__(
            BucketAddress("b", "https", "localhost", 443, "", "r"),
            lambda: Credentials("a", "s"),
            lambda *_: None,
        )
        self._refusal = refusal
        self.tagged = tags
        self.deleted: list[tuple[str, str]] = []

    def tags(self, key: str) -> list[tuple[str, str]]:  # noqa: ARG002 - it has one object
        return self.tagged

    def put_tags(self, key: str, tags: object) -> None:  # noqa: ARG002
        if self._refusal is not None:
            raise self._refusal
        self.tagged = list(TAGS)

    def delete(self, key: str, *, if_match: str = "") -> None:
        self.deleted.append((key, if_match))


def head(**headers: str) -> Head:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Head(1, "e", "", {"content-type": "text/csv", **named})


TAGGED = head(x_amz_tagging_count="2")


def completed(
    destination: Side, source: Head = TAGGED, copy: Head | None = None, tags: Sequence[tuple[str, str]] = TAGS
) -> Outcome:
    arrived = Arrived("target", copy or head(), source)
    return complete(FOUND, arrived, Side(list(tags)), destination, no_retry)


def refused(code: str, status: int) -> Side:
    return Side([], S3Error(code, status=status, operation="PutObjectTagging"))


def test_missing_tags_are_written() -> None:
    """The copy is whole then."""
    destination = Side([])
    assert completed(destination) == FOUND
    assert destination.tagged == TAGS


def test_a_copy_with_all_its_tags_is_left_alone() -> None:
    """Nothing is asked of it."""
    assert completed(refused("AccessDenied", 403), copy=TAGGED) == FOUND


def test_tags_whose_number_no_head_states_are_asked_for() -> None:
    """Some stores state it with GetObject only."""
    destination = Side([])
    assert completed(destination, head()) == FOUND
    assert destination.tagged == TAGS


def test_a_store_without_tags_keeps_the_copy_and_the_loss_is_named() -> None:
    """As in a transfer that was not interrupted."""
    destination = refused("NotImplemented", 501)
    outcome = completed(destination)
    assert (outcome.status, outcome.unkept, outcome.message) == (
        Status.SUCCESS,
        ("tags",),
        "found; its copy lacks: tags",
    )
    assert destination.deleted == []


def test_a_copy_whose_tags_may_not_be_written_is_removed() -> None:
    """It would count as whole in the next sweep."""
    destination = refused("AccessDenied", 403)
    outcome = completed(destination)
    assert (outcome.status, outcome.code) == (Status.ERROR, INTERRUPTED)
    assert "before its tags were written" in outcome.message
    assert destination.deleted == [("target", "e")]


def test_a_destination_that_cannot_be_asked_leaves_the_row_open() -> None:
    """A later start tries again."""
    with pytest.raises(S3Error):
        completed(refused("SlowDown", 503))


@pytest.mark.parametrize(
    ("source", "copy", "lost"),
    [
        (head(x_amz_meta_a="b"), head(x_amz_meta_a="b"), ()),
        (head(x_amz_meta_a="b"), head(), ("metadata",)),
        (head(x_amz_missing_meta="1"), head(), ("metadata",)),
        (head(x_amz_missing_meta="1"), head(x_amz_missing_meta="1"), ()),
        (head(content_encoding="gzip"), head(), ("headers",)),
        (head(content_encoding="aws-chunked"), head(), ()),
        (head(x_amz_website_redirect_location="/"), head(), ("redirect",)),
    ],
)
def test_what_a_copy_lacks_is_named(source: Head, copy: Head, lost: tuple[str, ...]) -> None:
    """So that a source that has more than its copy is not deleted."""
    assert completed(Side([]), source, copy, tags=()).unkept == lost
