"""The files in the summary directory: writes a new one, removes old ones. The text comes from `report.py`."""

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
    """Write `text` into a new file of `directory` and return its path.

    The name carries the local time of the sweep's end, as that is when the file appears: names sort as the files
    were made. The file appears whole or not at all, and replaces none.

    Raises:
        SummaryError: the directory cannot be made or written to.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        return _publish(directory, text, f"transfer_summary_{datetime.fromtimestamp(ended_at):%Y%m%d_%H%M%S}")
    except OSError as error:
        raise SummaryError(f"summary.directory: cannot write into {directory}: {error}") from error


def prune(directory: Path, keep: int) -> None:
    """Remove all but the newest `keep` summaries from `directory`, and nothing else.

    Raises:
        SummaryError: one cannot be removed.
    """
    try:
        summaries = sorted(_summaries(directory), reverse=True)
        for _, _, path in summaries[keep:]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise SummaryError(f"summary.directory: cannot remove old summaries: {error}") from error


def _publish(directory: Path, text: str, stem: str) -> Path:
    """Write a hidden file to the disk, then link it under the first free name."""
    hidden = directory / f".{stem}.{secrets.token_hex(4)}.tmp"
    try:
        _write_through(hidden, text)
        path = next(path for path in _names(directory, stem) if _linked(hidden, path))
    finally:
        hidden.unlink(missing_ok=True)
    _sync_directory(directory)
    return path


def _write_through(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _linked(hidden: Path, path: Path) -> bool:
    """Link under the name `path`, False where it is taken: two writers never share one."""
    try:
        path.hardlink_to(hidden)
    except FileExistsError:
        return False
    return True


def _names(directory: Path, stem: str) -> Iterator[Path]:
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
    """Yield each summary with the time and the number of its name, which sort as the files were made."""
    for path in directory.iterdir() if directory.is_dir() else ():
        match = _NAME.fullmatch(path.name)
        if match and path.is_file() and not path.is_symlink():
            yield match[1], int(match[2] or 1), path
