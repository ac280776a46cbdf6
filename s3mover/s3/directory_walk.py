"""Reads a bucket that is listed in directory order, folder by folder, and yields its objects in UTF-8 order.

The store rolls folders up by a delimiter, one request per folder and 1,000 names. Its names ascend, those of folders
without their slash: `data/` stands before `data!`, which comes first in UTF-8 order. So a folder is held back until no
name can come before it; at most as many are held at a time as a name has characters.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import chain, groupby, islice
from typing import NamedTuple

from s3mover.errors import ListingError
from s3mover.model import ObjectEntry, ObjectPage, page_of

# Objects that are yielded as one page.
BATCH = 1000


class FolderPage(NamedTuple):
    """One page of a folder: its objects, and the folders in it, each with its slash."""

    entries: ObjectPage
    folders: list[str]


# Yields the pages of one folder, which is named by its prefix.
ReadFolder = Callable[[str], Iterator[FolderPage]]


def walk(read_folder: ReadFolder, prefix: str, after: str) -> Iterator[ObjectPage]:
    """Yield the objects whose keys begin with `prefix` and come after `after`.

    Raises:
        ListingError: a folder is not listed in the order of its names.
    """
    # Not recursive: keys may have more folders than Python has frames.
    begun = [_folder(read_folder, prefix, after)]
    while begun:
        found = next(begun[-1], None)
        if found is None:
            begun.pop()
        elif isinstance(found, str):
            begun.append(_folder(read_folder, found, after))
        else:
            yield found


def _folder(read_folder: ReadFolder, prefix: str, after: str) -> Iterator[ObjectPage | str]:
    """Yield the objects of one folder and the folders in it, in UTF-8 order."""
    unusable: list[bytes] = []
    pages = _noting_unusable(read_folder(prefix), unusable)
    found = (one for one in _in_utf8_order(pages, prefix) if _comes_after(one, after))
    for are_folders, run in groupby(found, lambda one: isinstance(one, str)):
        if are_folders:
            yield from (one for one in run if isinstance(one, str))
        else:
            entries = (one for one in run if isinstance(one, ObjectEntry))
            while batch := list(islice(entries, BATCH)):
                yield page_of(batch)
    if unusable:
        yield replace(page_of([]), unusable=tuple(unusable))


def _noting_unusable(pages: Iterator[FolderPage], unusable: list[bytes]) -> Iterator[FolderPage]:
    for page in pages:
        unusable += page.entries.unusable
        yield page


def _comes_after(found: ObjectEntry | str, after: str) -> bool:
    """Return whether an object comes after `after`, or whether one in a folder may."""
    return found > after or after.startswith(found) if isinstance(found, str) else found.key > after


def _in_utf8_order(pages: Iterator[FolderPage], prefix: str) -> Iterator[ObjectEntry | str]:
    held: list[str] = []
    for found in chain.from_iterable(_in_order(pages, prefix)):
        text = found if isinstance(found, str) else found.key
        while held and held[-1] < text:
            yield held.pop()
        if isinstance(found, str):
            held.append(found)
        else:
            yield found
    yield from reversed(held)


def _in_order(pages: Iterator[FolderPage], prefix: str) -> Iterator[list[ObjectEntry | str]]:
    """Yield what is on each page in the order of names, in which pages must follow each other."""
    last = ("", False)
    for page in pages:
        found: list[ObjectEntry | str] = [*page.entries, *page.folders]
        found.sort(key=_name)
        for one in found:
            if _name(one) <= last:
                raise ListingError(
                    f"the folder {prefix!r} is listed out of order: {_name(one)[0]!r} after {last[0]!r}"
                )
            last = _name(one)
        yield found


def _name(found: ObjectEntry | str) -> tuple[str, bool]:
    return (found.removesuffix("/"), True) if isinstance(found, str) else (found.key, False)
