"""The cache of copy permissions."""

import threading

from s3mover.transfer.copy_permissions import (
    MAX_FOLDERS,
    MIN_REFUSED_FOLDERS,
    RETRY_SECONDS,
    CopyPermissionCache,
)


class Time:
    """A clock that the test sets."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_refusal_is_cached_for_its_folder_only() -> None:
    """After one refusal the folder streams, while other folders are still worth trying."""
    permissions = CopyPermissionCache(Time())
    assert permissions.refusal_code("a/1") == ""
    permissions.record_refused("a/1", "AccessDenied")
    assert permissions.refusal_code("a/2") == "AccessDenied"
    assert permissions.refusal_code("b/1") == ""


def test_a_refusal_expires() -> None:
    """A permission granted later is noticed: after a while one object probes again."""
    time = Time()
    permissions = CopyPermissionCache(time)
    permissions.record_refused("a/1", "AccessDenied")
    time.now = RETRY_SECONDS + 1
    assert permissions.refusal_code("a/2") == ""
    permissions.record_permitted("a/2")
    assert permissions.refusal_code("a/3") == ""


def test_several_refused_folders_refuse_the_bucket() -> None:
    """With a folder per object, not every folder is probed."""
    permissions = CopyPermissionCache(Time())
    for number in range(MIN_REFUSED_FOLDERS):
        assert permissions.refusal_code(f"{number}/x") == ""
        permissions.record_refused(f"{number}/x", "AccessDenied")
    assert permissions.refusal_code("another/x") == "AccessDenied"


def test_one_permitted_folder_keeps_the_bucket_open() -> None:
    """Where copies are permitted somewhere, refusals stay with their folders."""
    permissions = CopyPermissionCache(Time())
    permissions.record_permitted("good/x")
    for number in range(MIN_REFUSED_FOLDERS + 1):
        permissions.record_refused(f"{number}/x", "AccessDenied")
    assert permissions.refusal_code("another/x") == ""


def test_one_thread_probes_and_the_others_wait_for_its_result() -> None:
    """However many threads start at once, one refused request is sent."""
    permissions = CopyPermissionCache(Time())
    assert permissions.refusal_code("a/0") == ""
    codes: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: codes.append(permissions.refusal_code(f"a/{n}")))
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    assert codes == []
    permissions.record_refused("a/0", "AccessDenied")
    for thread in threads:
        thread.join()
    assert codes == ["AccessDenied"] * 8


def test_long_copies_neither_wait_nor_are_waited_for() -> None:
    """No thread waits for the copy of a huge object; what is cached holds for it, too."""
    permissions = CopyPermissionCache(Time())
    assert permissions.refusal_code("a/huge", wait=False) == ""
    assert permissions.refusal_code("a/0") == ""
    assert permissions.refusal_code("a/huger", wait=False) == ""
    permissions.record_refused("a/0", "AccessDenied")
    assert permissions.refusal_code("a/hugest", wait=False) == "AccessDenied"


def test_an_undecided_probe_is_repeated_by_another_thread() -> None:
    """After a failure that is not a refusal the next object probes."""
    permissions = CopyPermissionCache(Time())
    assert permissions.refusal_code("a/0") == ""
    permissions.record_undecided("a/0")
    assert permissions.refusal_code("a/1") == ""


def test_memory_is_bounded() -> None:
    """A bucket with millions of folders does not fill the memory."""
    permissions = CopyPermissionCache(Time())
    for number in range(MAX_FOLDERS * 2 + 5):
        permissions.record_permitted(f"{number}/x")
    assert len(permissions._permitted) <= MAX_FOLDERS
