"""Sample documents of a fictitious company: the same on every machine, generated on demand.

Their names include those that break tools: spaces, characters with a meaning in URLs, accents in both Unicode
normalization forms, other scripts, names that differ only in case, and objects that represent folders.
"""

import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain, islice
from itertools import count as count_from
from random import Random
from typing import NamedTuple

from s3mover.demo import formats

COUNT = 676  # as in the report of the first version
_SEED = "s3mover"
_KIB = 1024
_LARGE_EVERY = 70  # about ten large documents among COUNT
_METADATA_EVERY = 3
_TAGS_EVERY = 7
_FIRST_NEW = 100_000
_FIRST_ADDED = 200_000
_FIRST_ARRIVING = 300_000
_CUSTOMERS = (
    "Adler & Sohn",
    "Blue Harbour Ltd",
    "Céramique Dubois",
    "Nordwind GmbH",
    "Ōtani Trading",
    "Zürich Leasing",
)


@dataclass(frozen=True, slots=True)
class Document:
    """One object to upload; `body` generates its content, the same at each call."""

    key: str
    content_type: str
    body: Callable[[], bytes]
    metadata: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


class _Template(NamedTuple):
    folder: str
    name: str
    content_type: str
    write: formats.Writer


_PDF = "application/pdf"
_DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_TYPES: Mapping[str, tuple[str, formats.Writer]] = {
    ".pdf": (_PDF, formats.pdf),
    ".docx": (_DOCX, formats.docx),
    ".csv": ("text/csv; charset=utf-8", formats.csv_table),
    ".json": ("application/json", formats.json_records),
    ".png": ("image/png", formats.png),
    ".txt": ("text/plain; charset=utf-8", formats.txt),
}
_TEMPLATES = (
    _Template("contracts/{year}/{customer}", "Frame agreement {number:05}.docx", _DOCX, formats.docx),
    _Template("contracts/{year}/{customer}", "Frame agreement {number:05} (signed).pdf", _PDF, formats.pdf),
    _Template("invoices/{year}/{month:02}", "INV-{year}-{number:05}.pdf", _PDF, formats.pdf),
    _Template("invoices/{year}/{month:02}", "INV-{year}-{number:05}.json", *_TYPES[".json"]),
    _Template("finance/{year}/ledgers", "ledger_{year}-{month:02}_{number:05}.csv", *_TYPES[".csv"]),
    _Template("hr/applications/{year}", "application {number:05}.pdf", _PDF, formats.pdf),
    _Template("hr/photos", "badge-{number:05}.png", *_TYPES[".png"]),
    _Template("minutes/{year}/Q{quarter}", "minutes-{number:05}.txt", *_TYPES[".txt"]),
)
_UNUSUAL_KEYS = (
    "archive/",
    "hr/",
    "inbox/empty.txt",
    "inbox/Empty.txt",
    "inbox/two  spaces and one at the end .txt",
    "invoices/2024/discount 100%.csv",
    "invoices/2024/discount%20100%25.csv",
    "invoices/2024/a+b c.csv",
    "invoices/2024/q?year=2024&month=1.json",
    "invoices/2024/#1; paid = yes, $5 @ home!.txt",
    "contracts/2024/R&D <draft> \"final\" 'really'.docx",
    "contracts/2024/[brackets] {braces} (rounds) ~tilde^|`.txt",
    "contracts/2024/back\\slash.txt",
    "contracts/2024/README.txt",
    "contracts/2024/readme.txt",
    unicodedata.normalize("NFC", "hr/José Müller/Zeugnis.pdf"),
    unicodedata.normalize("NFD", "hr/José Müller/Zeugnis.pdf"),
    "projects/東京/企画書.docx",
    "projects/서울/계약서.pdf",
    "projects/Ελλάδα/πρόταση.txt",
    "projects/العربية/عقد.txt",
    "marketing/🚀 launch/🎉 party 👩‍👩‍👧.png",
    "marketing/🚀 launch/budget €.csv",
    "projects/" + "deeply/nested/" * 12 + "plan.json",
    "projects/" + "a very long name " * 40 + ".txt",
)


def documents(count: int = COUNT) -> Iterator[Document]:
    """Yield `count` documents, each with a different key, the unusual keys first."""
    unusual = (_unusual(key) for key in _UNUSUAL_KEYS)
    return islice(chain(unusual, (_ordinary(number) for number in range(count))), count)


def changes(count: int = COUNT) -> list[Document]:
    """Return changes of `documents(count)`: ten changed at equal size, ten grown, ten new documents."""
    before = list(documents(count))
    finished = [_finished(document) for document in before if document.key.startswith("minutes/")][:10]
    grown = [_grown(document) for document in before if document.key.startswith("finance/")][:10]
    return [*finished, *grown, *(_ordinary(_FIRST_NEW + number) for number in range(10))]


def additions(count: int = 24) -> list[Document]:
    """Return a batch of documents that are in neither `documents` nor `changes`."""
    return [_ordinary(_FIRST_ADDED + number) for number in range(count)]


def arrivals() -> Iterator[Document]:
    """Yield an endless sequence of documents that are in none of the other functions."""
    return map(_ordinary, count_from(_FIRST_ARRIVING))


def _unusual(key: str) -> Document:
    if key.endswith("/"):
        return Document(key, "application/x-directory", bytes)
    content_type, write = _TYPES["." + key.rpartition(".")[2]]
    if "empty" in key.lower():
        return Document(key, content_type, bytes)
    return _document(key, content_type, write, 2 * _KIB, len(key))


def _ordinary(number: int) -> Document:
    random = Random(f"{_SEED} {number}")  # noqa: S311 - reproducible documents, not a secret
    template = _TEMPLATES[number % len(_TEMPLATES)]
    month = random.randrange(1, 13)
    path = f"{template.folder}/{template.name}".format(
        number=number,
        year=random.randrange(2021, 2026),
        month=month,
        quarter=(month + 2) // 3,
        customer=random.choice(_CUSTOMERS),
    )
    return _document(path, template.content_type, template.write, _size(random, number), number)


def _size(random: Random, number: int) -> int:
    """Return a size: mostly 1 to 100 KiB, small sizes more often, a few of 1 to 3 MiB."""
    if number % _LARGE_EVERY == _LARGE_EVERY - 1:
        return random.randrange(_KIB * _KIB, 3 * _KIB * _KIB)
    return int(_KIB * 100 ** random.random())


def _document(key: str, content_type: str, write: formats.Writer, size: int, number: int) -> Document:
    department = key.partition("/")[0]
    metadata = (
        {"department": department, "document-id": f"D{number:08}"} if number % _METADATA_EVERY == 0 else {}
    )
    tags = {"department": department, "retention": "10 years"} if number % _TAGS_EVERY == 0 else {}
    return Document(key, content_type, partial(_content, key, write, size), metadata, tags)


def _content(key: str, write: formats.Writer, size: int) -> bytes:
    title = key.rpartition("/")[2].rpartition(".")[0]
    return write(Random(f"{_SEED} {key}"), size, title)  # noqa: S311 (as above)


def _finished(document: Document) -> Document:
    return replace(document, body=lambda: document.body().replace(b"Status: draft", b"Status: final", 1))


def _grown(document: Document) -> Document:
    return replace(document, body=lambda: document.body() + b"999999,1000,0.01,correction\r\n")
