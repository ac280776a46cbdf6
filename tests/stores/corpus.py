"""The objects that are moved through each store, and what boto3 sees of a bucket."""

import hashlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from testkit.foreign_stores import ForeignStore
from testkit.keys import ODD_KEYS

KIB, MIB = 1024, 1024 * 1024
PART_SIZE = 5 * MIB
# Enough to keep both cores busy; the stores answer in some milliseconds.
THREADS = 8
# The properties of an object: the headers that boto3 names so, and three more.
HEADERS = (
    "ContentType",
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "Expires",
    "WebsiteRedirectLocation",
)
METADATA, TAGS, STORAGE_CLASS = "Metadata", "Tagging", "StorageClass"
PROPERTIES = (*HEADERS, METADATA, TAGS, STORAGE_CLASS)
RICH: Mapping[str, Any] = {
    "ContentType": "text/x-odd; charset=utf-8",
    "CacheControl": "max-age=60",
    "ContentDisposition": 'attachment; filename="x.txt"',
    "ContentEncoding": "gzip",
    "ContentLanguage": "de",
    "Expires": "Wed, 21 Oct 2037 07:28:00 GMT",
    METADATA: {"plain": "b", "two-words": "x y"},
    TAGS: "first=b&second=d%20e",
}


@dataclass(frozen=True)
class Item:
    """One object to put: its key, size and properties; in parts or not."""

    key: str
    size: int = 100
    properties: Mapping[str, Any] = field(default_factory=dict)
    in_parts: bool = False

    @property
    def body(self) -> bytes:
        """Bytes that no other item has."""
        seed = hashlib.sha256(self.key.encode()).digest()
        return (seed * (self.size // len(seed) + 1))[: self.size]


CORPUS = [
    *(Item(key) for key in ODD_KEYS),
    Item("sizes/0", 0),
    Item("sizes/1", 1),
    Item("sizes/100 KiB", 100 * KIB),
    Item("sizes/above one part", PART_SIZE + 100 * KIB),
    Item("parts/above one part", PART_SIZE + 100 * KIB, in_parts=True),
    Item("properties/all", 100, RICH),
    Item("properties/empty", 0, RICH),
    Item("properties/above one part", PART_SIZE + 100 * KIB, RICH),
    Item("properties/parts", PART_SIZE + 100 * KIB, RICH, in_parts=True),
    Item("properties/class", 100, {STORAGE_CLASS: "STANDARD_IA"}),
    Item("properties/redirect", 100, {"WebsiteRedirectLocation": "/elsewhere"}),
]


@dataclass(frozen=True)
class Seen:
    """An object as boto3 sees it."""

    digest: str
    size: int
    properties: Mapping[str, Any]

    def without(self, lost: Iterable[str]) -> "Seen":
        """Return it as a store shows it that does not keep the properties `lost`."""
        kept = {name: value for name, value in self.properties.items() if name not in lost}
        return replace(self, properties=kept)


class BotoStore:
    """A store as boto3 sees it."""

    def __init__(self, store: ForeignStore) -> None:
        self.store = store
        self.client = boto3.client(
            "s3",
            endpoint_url=store.endpoint,
            aws_access_key_id=store.access_key,
            aws_secret_access_key=store.secret_key,
            region_name=store.region,
            config=Config(
                retries={"total_max_attempts": 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path"},
                max_pool_connections=THREADS,
            ),
        )

    def put(self, bucket: str, item: Item, but: Iterable[str] = ()) -> None:
        """Put an object, without the properties `but`."""
        properties = {name: value for name, value in item.properties.items() if name not in but}
        if not item.in_parts:
            self.client.put_object(Bucket=bucket, Key=item.key, Body=item.body, **properties)
            return
        named = {"Bucket": bucket, "Key": item.key}
        upload = named | {"UploadId": self.client.create_multipart_upload(**named, **properties)["UploadId"]}
        parts = [
            {"PartNumber": number, "ETag": self._put_part(upload, number, item)}
            for number in range(1, -(-item.size // PART_SIZE) + 1)
        ]
        self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})

    def _put_part(self, upload: Mapping[str, Any], number: int, item: Item) -> str:
        body = item.body[(number - 1) * PART_SIZE : number * PART_SIZE]
        return str(self.client.upload_part(**upload, PartNumber=number, Body=body)["ETag"])

    def accepts(self, bucket: str, item: Item, but: Iterable[str] = ()) -> bool:
        """Put an object without the properties `but`, and return whether it can be read again."""
        try:
            self.put(bucket, item, but)
            return bool(self.client.get_object(Bucket=bucket, Key=item.key)["Body"].read() == item.body)
        except (BotoCoreError, ClientError):
            return False

    def classes(self, bucket: str) -> dict[str, str]:
        """Return each key's storage class, in the order in which they are listed."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        entries = (entry for page in pages for entry in page.get("Contents", []))
        return {entry["Key"]: entry.get("StorageClass", "STANDARD") for entry in entries}

    def contents(self, bucket: str) -> dict[str, Seen]:
        """Return every object, byte for byte and property for property."""
        classes = self.classes(bucket)
        with ThreadPoolExecutor(THREADS) as threads:
            seen = threads.map(lambda entry: self.see(bucket, *entry), classes.items())
            return dict(zip(classes, seen, strict=True))

    def see(self, bucket: str, key: str, storage_class: str) -> Seen:
        """Return one object; what its listing says of its class is what counts, as s3mover asks nothing else."""
        answer = self.client.get_object(Bucket=bucket, Key=key)
        body = answer["Body"].read()
        answer["Expires"] = answer.get("ExpiresString")
        properties = {name: answer[name] for name in HEADERS if answer.get(name)}
        if storage_class != "STANDARD":
            properties[STORAGE_CLASS] = storage_class
        if answer["Metadata"]:
            # Go's HTTP servers write the names of headers with capital letters.
            properties[METADATA] = {name.lower(): value for name, value in answer["Metadata"].items()}
        if tags := self._tags(bucket, key):
            properties[TAGS] = tags
        return Seen(hashlib.sha256(body).hexdigest(), len(body), properties)

    def _tags(self, bucket: str, key: str) -> dict[str, str]:
        try:
            tags = self.client.get_object_tagging(Bucket=bucket, Key=key).get("TagSet", [])
        except ClientError:
            return {}
        return {tag["Key"]: tag["Value"] for tag in tags}
