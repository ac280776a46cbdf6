"""Values that several tests of this folder use."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

from s3mover.model import BucketAddress, Credentials
from s3mover.s3.bucket import Bucket, Timeouts
from testkit.scripted_server import Play, scripted
from testkit.waiting import TOO_LONG

KEYS = Credentials("AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY")
NOW = 1_735_960_629.0  # 2025-01-04T03:17:09Z

ODD_KEYS = (
    "plain.txt",
    "a//b",
    "./here",
    "../there",
    "/leading",
    "trailing/",
    "a/./b/../c",
    "plus+sign",
    "space in it",
    " both ends ",
    "percent%2Fliteral",
    "50%",
    "query?x=1&y=2",
    "fragment#1",
    "quotes'\"<>&`",
    "back\\slash",
    "semi;colon,comma=equals@at:colon",
    "tilde~star*(paren)!",
    "tab\tand\x01control",
    "tab\tnewline\nreturn\r",
    "bell\x07delete\x7f",
    "caf\u00e9",
    "cafe\u0301",
    "日本語/文書.pdf",
    "😀/🏳️‍🌈",
    "\u00a0\u2028",
    "x" * 1024,
    "é" * 512,
)


class Counter:
    """What a bucket counted."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, str]] = []

    def __call__(self, operation: str, code: str) -> None:
        self.counted.append((operation, code))


@contextmanager
def bucket_on(
    *plays: Play,
    keys: Credentials = KEYS,
    clock: Callable[[], float] = lambda: NOW,
    timeouts: Timeouts = Timeouts(TOO_LONG, TOO_LONG),  # noqa: B008 - frozen
    expected_owner: str = "",
    expected_source_owner: str = "",
    request_payer: bool = False,
    watch: Callable[[float], AbstractContextManager[object]] = nullcontext,
) -> Iterator[tuple[Bucket, list[bytes], Counter]]:
    """Give a bucket on a scripted server, the requests that the server received, and what was counted."""
    counter = Counter()
    with scripted(*plays) as server:
        address = BucketAddress("b", "http", server.host, server.port, "/b", "us-east-1")
        bucket = Bucket(
            address,
            lambda: keys,
            counter,
            timeouts,
            clock=clock,
            sleep=lambda _: None,
            expected_owner=expected_owner,
            expected_source_owner=expected_source_owner,
            request_payer=request_payer,
            watch=watch,
        )
        try:
            yield bucket, server.heard, counter
        finally:
            bucket.close_thread()
