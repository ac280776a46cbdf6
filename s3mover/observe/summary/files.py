"""Writes and removes summary files. Their text comes from `report.py`."""

import os
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from itertools import count
from pathlib import Path

from s3mover.errors import SummaryError

_NAME = re.compile(r"transfer_summary_(\d{8}_\d{6})(?:_(\d+))?\.log")


def write(directory: Path, text: str, ended_at: float) -> Path:
    """Write `text` into a new file in `directory` and return its path.

    The name contains the local time of the sweep's end, so that names sort by the time of writing. The file appears
    complete or not at all, and replaces no other.

    Raises:
        SummaryError: the directory cannot be created or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return _publish(directory, text, f"transfer_summary_{datetime.fromtimestamp(ended_at):%Y%m%d_%H%M%S}")
    except OSError as error:
        raise SummaryError(f"summary.directory: cannot write into {directory}: {error}") from error


def append(path: Path, text: str) -> None:
    """Append `text` to a summary that was written.

    Raises:
        SummaryError: it cannot be written to.
    """
    try:
        with path.open("r+", encoding="utf-8", errors="backslashreplace") as file:
            file.seek(0, os.SEEK_END)
            file.write(text)
    except OSError as error:
        raise SummaryError(f"summary.directory: cannot append to {path}: {error}") from error


def prune(directory: Path, keep: int) -> None:
    """Remove all summaries but the newest `keep` from `directory`.

    Raises:
        SummaryError: a summary cannot be removed.
    """
    try:
        summaries = sorted(_summaries(directory), reverse=True)
        for _, _, path in summaries[keep:]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise SummaryError(f"summary.directory: cannot remove old summaries: {error}") from error


def _publish(directory: Path, text: str, stem: str) -> Path:
    """Write a hidden file to disk, then link it under the first free name."""
    hidden = directory / f".{stem}.{secrets.token_hex(4)}.tmp"
    try:
        _write_and_sync(hidden, text)
        path = next(path for path in _candidate_paths(directory, stem) if _try_link(hidden, path))
    finally:
        hidden.unlink(missing_ok=True)
    _sync_directory(directory)
    return path


def _write_and_sync(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _try_link(hidden: Path, path: Path) -> bool:
    """Link the file as `path`; return False if the name exists. Linking is atomic: two writers never share a name."""
    try:
        path.hardlink_to(hidden)
    except FileExistsError:
        return False
    return True


def _candidate_paths(directory: Path, stem: str) -> Iterator[Path]:
    yield directory / f"{stem}.log"
    for number in count(2):
        yield directory / f"{stem}_{number}.log"


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _summaries(directory: Path) -> Iterator[tuple[str, int, Path]]:
    """Yield the time and the number in the name of each summary, which sort by the time of writing, and its path."""
    for path in directory.iterdir() if directory.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink():
            yield match[1], int(match[2] or 1), path
