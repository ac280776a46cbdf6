"""Validates the form of texts: a bucket's name, an endpoint, a DSN, ...

Only the form is checked, not whether a bucket exists or a database answers. Each message continues a sentence that
begins with the text, and never repeats the text, which may be a secret.
"""

import ipaddress
import re
from collections.abc import Callable
from urllib.parse import SplitResult, urlsplit

# S3 user guide, "General purpose bucket naming rules": 3 to 63 characters. Capitals and `_` stand in buckets made
# before March 2018 and in other stores.
_BUCKET = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.)){1,61}[A-Za-z0-9]")
# S3 user guide, "Access points": an access point's ARN, or one of Object Lambda or Outposts. Its alias looks like a
# bucket's name.
_ACCESS_POINT = re.compile(r"arn:aws[a-z-]*:s3[a-z-]*:[a-z0-9-]*:\d{12}:[a-z]+[/:][A-Za-z0-9./:-]+")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
# Ceph leaves the account empty or puts a tenant there.
_ROLE = re.compile(r"arn:[\w-]+:iam::[^:\s]*:role/\S+")
_QUEUE_ARN = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(?:\.fifo)?")
_DATABASES = (
    re.compile(r"sqlite:///.+"),
    re.compile(r"mysql://[^/\s]+/[^/?\s]+(?:\?\S*)?"),
    re.compile(r"(?:.+@)?tcp\([^()\s]+\)/[^/?\s]+(?:\?\S*)?"),
    re.compile(r"(?:.+@)?unix\(/[^()]+\)/[^/?\s]+(?:\?\S*)?"),
)

_S3_URL = re.compile(r"s3://[a-z0-9][a-z0-9.\-]{1,61}[a-z0-9](/.*)?")
_HOST_PORT = re.compile(r"(?:[\w.-]+|\[[0-9A-Fa-f:.]+\]):\d{1,5}", re.ASCII)

_LONGEST_KEY = 1024  # bytes of UTF-8 (S3 user guide, "Naming Amazon S3 objects")

_LONGEST_SOCKET_PATH = 90  # bytes; the system takes 107, or 103

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")  # what Python makes of bytes that are not UTF-8

Check = Callable[[str], str]


def matches(pattern: str, noun: str) -> Check:
    """Return the check that a text is empty (unset) or wholly like `pattern`, and else say that it is not `noun`."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if text and not compiled.fullmatch(text):
            raise ValueError(f"is not {noun}")
        return text

    return check


def bucket(text: str) -> str:
    """Check the name of a bucket, or an access point's ARN or alias."""
    if text.startswith("s3://"):
        raise ValueError("is a URL, not a name")
    if _IP_ADDRESS.fullmatch(text) or (
        text and not (_BUCKET.fullmatch(text) or _ACCESS_POINT.fullmatch(text))
    ):
        raise ValueError("is not a bucket name")
    return text


def key_prefix(text: str) -> str:
    """Check that a prefix is UTF-8 and fits into a key."""
    if _SURROGATE.search(text):
        raise ValueError("is not UTF-8")
    if len(text.encode()) > _LONGEST_KEY:
        raise ValueError("is longer than the longest key")
    return text


def endpoint_url(text: str) -> str:
    """Check the URL of an S3 endpoint: scheme, host and port only."""
    if not text:
        return text
    url = _split(text)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise ValueError("is not an endpoint URL")
    if "@" in url.netloc:
        raise ValueError("contains credentials")
    if url.path.strip("/") or url.query or url.fragment:
        raise ValueError("has a path or query after the host")
    return text.rstrip("/")


def queue_name(text: str) -> str:
    """Return the URL or the ARN of a queue.

    Raises:
        ValueError: it is neither.
    """
    url = _split(text)
    is_url = url.scheme in {"http", "https"} and bool(url.hostname) and len(url.path) > 1
    if text and not (_QUEUE_ARN.fullmatch(text) or (is_url and "@" not in url.netloc and text.isprintable())):
        raise ValueError("is not the URL or the ARN of a queue")
    return text


def scheduler_address(text: str) -> str:
    """Check the address of a Dask scheduler; it may be without TLS on loopback only."""
    if not text:
        return text
    scheme, _, place = text.partition("://")
    if scheme not in {"tls", "tcp"} or not _HOST_PORT.fullmatch(place):
        raise ValueError("is not the address of a scheduler")
    if scheme == "tcp" and not is_loopback(place.rpartition(":")[0].strip("[]")):
        raise ValueError("is without TLS and not on loopback")
    return text


def s3_url(text: str) -> str:
    """Check the address of a bucket and a prefix; empty stays empty."""
    if text and not _S3_URL.fullmatch(text):
        raise ValueError("is not the address of a bucket")
    return one_line(text)


def is_loopback(host: str) -> bool:
    """Return whether only this machine can reach a host."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def one_line(text: str) -> str:
    """Check that a text is UTF-8 without control characters, of which a stray newline is the commonest."""
    if _CONTROL.search(text) or _SURROGATE.search(text):
        raise ValueError("is not one line of UTF-8 text")
    return text


def socket_path(text: str) -> str:
    """Check that a socket's path fits into a socket's address (unix(7): 108 bytes), a suffix of ours included."""
    if len(one_line(text).encode()) > _LONGEST_SOCKET_PATH:
        raise ValueError("is longer than the longest socket path")
    return text


def role_arn(text: str) -> str:
    """Check the ARN of an IAM role."""
    if text and not _ROLE.fullmatch(text):
        raise ValueError("is not the ARN of a role")
    return text


def database_url(text: str) -> str:
    """Check that a DSN has one of the forms that `audit/dsn.py` parses; the details are checked there."""
    if not any(form.fullmatch(text) for form in _DATABASES):
        raise ValueError("is not a database URL")
    return text


def _split(text: str) -> SplitResult:
    try:
        url = urlsplit(text)
        _ = url.port  # computed on access: a port that is not a number raises here
    except ValueError as error:
        raise ValueError("is not an endpoint URL") from error
    if re.search(r"\s", text):
        raise ValueError("is not an endpoint URL")
    return url
