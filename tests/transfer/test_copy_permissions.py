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
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal_code("a/1") == ""
    verdicts.record_refused("a/1", "AccessDenied")
    assert verdicts.refusal_code("a/2") == "AccessDenied"
    assert verdicts.refusal_code("b/1") == ""


def test_a_refusal_expires() -> None:
    """A permission granted later is noticed: after a while one object probes again."""
    time = Time()
    verdicts = CopyPermissionCache(time)
    verdicts.record_refused("a/1", "AccessDenied")
    time.now = RETRY_SECONDS + 1
    assert verdicts.refusal_code("a/2") == ""
    verdicts.record_permitted("a/2")
    assert verdicts.refusal_code("a/3") == ""


def test_several_refused_folders_refuse_the_bucket() -> None:
    """With a folder per object, not every folder is probed."""
    verdicts = CopyPermissionCache(Time())
    for number in range(MIN_REFUSED_FOLDERS):
        assert verdicts.refusal_code(f"{number}/x") == ""
        verdicts.record_refused(f"{number}/x", "AccessDenied")
    assert verdicts.refusal_code("another/x") == "AccessDenied"


def test_one_permitted_folder_keeps_the_bucket_open() -> None:
    """Where copies are permitted somewhere, refusals stay with their folders."""
    verdicts = CopyPermissionCache(Time())
    verdicts.record_permitted("good/x")
    for number in range(MIN_REFUSED_FOLDERS + 1):
        verdicts.record_refused(f"{number}/x", "AccessDenied")
    assert verdicts.refusal_code("another/x") == ""


def test_one_thread_probes_and_the_others_wait_for_its_result() -> None:
    """However many threads start at once, one refused request is sent."""
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal_code("a/0") == ""
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(verdicts.refusal_code(f"a/{n}")))
        for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    assert answers == []
    verdicts.record_refused("a/0", "AccessDenied")
    for thread in threads:
        thread.join()
    assert answers == ["AccessDenied"] * 8


def test_long_copies_neither_wait_nor_are_waited_for() -> None:
    """No thread waits for the copy of a huge object; what is cached holds for it, too."""
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal_code("a/huge", wait=False) == ""
    assert verdicts.refusal_code("a/0") == ""
    assert verdicts.refusal_code("a/huger", wait=False) == ""
    verdicts.record_refused("a/0", "AccessDenied")
    assert verdicts.refusal_code("a/hugest", wait=False) == "AccessDenied"


def test_an_undecided_probe_is_repeated_by_another_thread() -> None:
    """After a failure that is not a refusal the next object probes."""
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal_code("a/0") == ""
    verdicts.record_undecided("a/0")
    assert verdicts.refusal_code("a/1") == ""


def test_memory_is_bounded() -> None:
    """A bucket with millions of folders does not fill the memory."""
    verdicts = CopyPermissionCache(Time())
    for number in range(MAX_FOLDERS * 2 + 5):
        verdicts.record_permitted(f"{number}/x")
    assert len(verdicts._permitted) <= MAX_FOLDERS
