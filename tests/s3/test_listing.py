"""Listings that contradict themselves are never believed."""

from urllib.parse import parse_qs

import pytest

from s3mover.errors import ListingError, S3Error
from testkit.scripted_server import Peer, Play, answer
from tests.s3.samples import bucket_on


def page(*keys: str, more: str = "", truncated: str | None = None) -> bytes:
    said = truncated if truncated is not None else str(bool(more)).lower()
    entries = "".join(
        f"<Contents><Key>{key}</Key><LastModified>t</LastModified><ETag>e</ETag><Size>1</Size></Contents>"
        for key in keys
    )
    token = f"<NextContinuationToken>{more}</NextContinuationToken>" if more else ""
    return answer(
        f"<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>{said}</IsTruncated>{token}{entries}</ListBucketResult>".encode()
    )


def pages(*answers: bytes) -> Play:
    def play(peer: Peer) -> None:
        for said in answers:
            peer.answer(said)
        peer.wait_for_end()

    return play


def listed(
    *answers: bytes, prefix: str = "", start_after: str = ""
) -> tuple[list[str], list[dict[str, list[str]]]]:
    """List through these responses; return the keys, and the queries that were sent."""
    with bucket_on(pages(*answers)) as (bucket, heard, _):
        keys = [entry.key for entries in bucket.list_objects(prefix, start_after) for entry in entries]
    queries = [parse_qs(request.split(b" ")[1].partition(b"?")[2].decode()) for request in heard]
    return keys, queries


def test_all_pages_are_read_in_order() -> None:
    """Each page asks for the next by its token, as it was given."""
    keys, queries = listed(page("p/a", "p/b", more="tok/+=1"), page(more="t2"), page("p/c"), prefix="p/")
    assert keys == ["p/a", "p/b", "p/c"]
    assert [query.get("continuation-token") for query in queries] == [None, ["tok/+=1"], ["t2"]]
    assert all(query["prefix"] == ["p/"] and query["encoding-type"] == ["url"] for query in queries)


def test_a_listing_from_a_start_goes_on_from_a_key() -> None:
    """The second page is asked for after the first one's last key, as the start need not be a key; then by tokens."""
    keys, queries = listed(
        page("p/a", "p/b", more="t0"), page("p/c", more="tok/+=1"), page("p/d"), prefix="p/", start_after="p/"
    )
    assert keys == ["p/a", "p/b", "p/c", "p/d"]
    assert [query.get("continuation-token") for query in queries] == [None, None, ["tok/+=1"]]
    assert [query["start-after"] for query in queries] == [["p/"], ["p/b"], ["p/b"]]
    assert all(query["prefix"] == ["p/"] and query["encoding-type"] == ["url"] for query in queries)


@pytest.mark.parametrize(
    "answers",
    [
        [page("b", "a")],
        [page("a", "a")],
        [page("a", "b", more="t"), page("b", "c")],
        [page("a", "%F0%9F%98%80", "%EF%BF%BD")],
        [page("b", more="t"), page("a")],
    ],
)
def test_keys_that_do_not_ascend_are_refused(answers: list[bytes]) -> None:
    """Within a page and from page to page, in the order of UTF-8 and not of UTF-16."""
    with pytest.raises(ListingError, match="out of order"):
        listed(*answers)


def test_utf8_order_is_accepted() -> None:
    """What lies beyond the basic plane sorts after all within it."""
    assert listed(page("a", "%EF%BF%BD", "%F0%9F%98%80"))[0] == ["a", "\ufffd", "😀"]


@pytest.mark.parametrize("key", ["a", "b"])
def test_a_store_that_ignores_the_start_is_refused(key: str) -> None:
    """Keys up to and including the start were not requested."""
    with pytest.raises(ListingError, match="out of order"):
        listed(page(key), start_after="b")


@pytest.mark.parametrize("keys", [("a", "p/x"), ("p/x", "q")])
def test_a_store_that_ignores_the_prefix_is_refused(keys: tuple[str, str]) -> None:
    """Objects of others would be moved."""
    with pytest.raises(ListingError, match="do not begin with 'p/'"):
        listed(page(*keys), prefix="p/")


def test_a_truncated_page_without_a_token_is_refused() -> None:
    """There is more, and no way to ask for it: an incomplete listing is never the truth."""
    with pytest.raises(ListingError, match="no token for the next page"):
        listed(page("a", truncated="true"))


def test_a_listing_that_does_not_go_on_is_refused() -> None:
    """The same token twice would never end."""
    with pytest.raises(ListingError, match="does not advance"):
        listed(page("a", more="t"), page(more="t"))


def test_a_page_that_does_not_say_whether_it_is_the_last_is_not_the_last() -> None:
    """Missing is not false."""
    with (
        bucket_on(pages(page("a", truncated=""))) as (bucket, _, _),
        pytest.raises(S3Error, match="InvalidResponse"),
    ):
        bucket.list_page("")


def test_a_page_is_requested_again_after_temporary_errors() -> None:
    """And the listing goes on where it was."""
    busy = answer(b"<Error><Code>SlowDown</Code></Error>", "503 Slow Down")
    keys, queries = listed(page("a", more="t"), busy, answer(b"garbage"), page("b"))
    assert keys == ["a", "b"]
    assert [query.get("continuation-token") for query in queries] == [None, ["t"], ["t"], ["t"]]


def test_a_page_that_cannot_be_parsed_is_requested_a_few_times_only() -> None:
    """Three times; other trouble in between does not count, and every page begins anew."""
    busy = answer(b"<Error><Code>SlowDown</Code></Error>", "503 Slow Down")
    broken = answer(b"garbage")
    keys, queries = listed(page("a", more="t"), broken, busy, broken, page("b", more="u"), broken, page("c"))
    assert (keys, len(queries)) == (["a", "b", "c"], 7)
    with pytest.raises(S3Error, match="InvalidResponse") as given_up:
        listed(page("a", more="t"), broken, broken, broken)
    assert not given_up.value.temporary


def test_a_listing_that_is_not_permitted_is_not_requested_again() -> None:
    """A refusal is raised at once."""
    with pytest.raises(S3Error, match="AccessDenied"):
        listed(answer(b"", "403 Forbidden"))


def test_a_page_of_another_kind_is_no_empty_listing() -> None:
    """An error or another document with status 200 does not mean that the bucket is empty."""
    with pytest.raises(S3Error, match="AccessDenied"):
        listed(answer(b"<Error><Code>AccessDenied</Code></Error>"))
    with pytest.raises(S3Error, match="NotImplemented"):
        listed(answer(b"<html></html>"))


def test_unfinished_uploads_are_read_to_the_end() -> None:
    """Both markers ask for the next page, the key decoded."""

    def uploads(key: str, more: str) -> bytes:
        return answer(
            f"<ListMultipartUploadsResult><EncodingType>url</EncodingType>{more}"
            f"<Upload><Key>{key}</Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>".encode()
        )

    more = "<IsTruncated>true</IsTruncated><NextKeyMarker>a+b</NextKeyMarker><NextUploadIdMarker>u</NextUploadIdMarker>"
    last = "<IsTruncated>false</IsTruncated>"
    with bucket_on(pages(uploads("a%20b", more), uploads("c", last))) as (bucket, heard, _):
        assert [upload.key for upload in bucket.list_uploads("")] == ["a b", "c"]
    assert b"key-marker=a%20b&upload-id-marker=u&uploads=" in heard[1]
