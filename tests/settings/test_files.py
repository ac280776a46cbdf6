"""Files that hold settings, and are something else than a small file on a disk."""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from s3mover.errors import SettingsError
from s3mover.settings.files import MAX_BYTES, WAIT_SECONDS, file_reader
from s3mover.settings.load import load

BUCKETS = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs"}


def pipe(name: str = "pipe") -> Path:
    """Make a named pipe."""
    os.mkfifo(name)
    return Path(name)


def out_of_time() -> Callable[[], float]:
    """Return a clock on which the time to wait is over as soon as the reader is made."""
    times = iter([0.0])
    return lambda: next(times, WAIT_SECONDS)


def problems(environ: dict[str, str], config: Path | None = None) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(config, BUCKETS | environ, {})
    return list(caught.value.problems)


@pytest.mark.parametrize("size", [0, 1, MAX_BYTES])
def test_a_file_is_read_to_its_end(size: int) -> None:
    """Also when the time to wait for others is over."""
    Path("file").write_bytes(b"x" * size)
    assert file_reader(out_of_time())(Path("file")) == b"x" * size


def test_a_file_that_is_too_large_is_refused() -> None:
    """Whatever its size, little of it is read."""
    with Path("large").open("wb") as large:
        large.truncate(2**40)
    for path in (Path("large"), Path("/dev/zero")):
        with pytest.raises(OSError, match="larger than 256 KiB"):
            file_reader()(path)


def test_a_pipe_that_somebody_writes_to_is_read() -> None:
    """As a shell's process substitution makes it."""
    path = pipe()
    writer = threading.Thread(target=path.write_bytes, args=(b"secret",))
    writer.start()
    assert file_reader()(path) == b"secret"
    writer.join()


def test_a_pipe_that_nobody_writes_to_is_refused() -> None:
    """After a time that all of them share."""
    with pytest.raises(TimeoutError, match="within 5 seconds"):
        file_reader(out_of_time())(pipe())


def test_every_unusable_file_is_a_problem_of_its_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    """All are reported at once, and none hides another."""
    monkeypatch.setattr("s3mover.settings.files.WAIT_SECONDS", 0.1)
    Path("directory").mkdir()
    files = {
        "SRC_SECRET_KEY": pipe("one"),
        "DST_SECRET_KEY": pipe("two"),
        "SRC_PREFIX": Path("/dev/zero"),
        "DST_PREFIX": Path("directory"),
        "MYSQL_DSN": Path("none"),
    }
    found = problems({f"{name}_FILE": str(path) for name, path in files.items()})
    assert sorted(found) == [
        "audit.url (MYSQL_DSN_FILE): none cannot be read (No such file or directory)",
        "destination.prefix (DST_PREFIX_FILE): directory cannot be read (Is a directory)",
        "destination.secret_key (DST_SECRET_KEY_FILE): two cannot be read (its end did not come within 0.1 seconds)",
        "source.prefix (SRC_PREFIX_FILE): /dev/zero cannot be read (it is larger than 256 KiB)",
        "source.secret_key (SRC_SECRET_KEY_FILE): one cannot be read (its end did not come within 0.1 seconds)",
    ]


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/mem"])
def test_a_settings_file_that_cannot_be_used_is_named(path: str) -> None:
    """With its reason, and alone: what it would set is not known."""
    [found] = problems({}, Path(path))
    assert found.startswith(f"{path}: cannot be read (")
