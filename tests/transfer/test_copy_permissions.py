"""What is remembered of refused server-side copies."""

import threading

from s3mover.transfer.copy_permissions import ENOUGH_FOLDERS, MOST_FOLDERS, RETRY_SECONDS, CopyPermissionCache


class Time:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_refusal_is_remembered_for_its_folder_only() -> None:
    """After one refusal the folder streams, while other folders are still worth trying."""
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal("a/1") == ""
    verdicts.refused("a/1", "AccessDenied")
    assert verdicts.refusal("a/2") == "AccessDenied"
    assert verdicts.refusal("b/1") == ""


def test_a_refusal_fades() -> None:
    """A permission granted meanwhile is noticed: after a while one object probes again."""
    time = Time()
    verdicts = CopyPermissionCache(time)
    verdicts.refused("a/1", "AccessDenied")
    time.now = RETRY_SECONDS + 1
    assert verdicts.refusal("a/2") == ""
    verdicts.permitted("a/2")
    assert verdicts.refusal("a/3") == ""


def test_several_refused_folders_mean_the_bucket() -> None:
    """With a folder per object, not every folder is probed."""
    verdicts = CopyPermissionCache(Time())
    for number in range(ENOUGH_FOLDERS):
        assert verdicts.refusal(f"{number}/x") == ""
        verdicts.refused(f"{number}/x", "AccessDenied")
    assert verdicts.refusal("another/x") == "AccessDenied"


def test_one_permitted_folder_keeps_the_bucket_open() -> None:
    """Where copies are permitted somewhere, refusals stay with their folders."""
    verdicts = CopyPermissionCache(Time())
    verdicts.permitted("good/x")
    for number in range(ENOUGH_FOLDERS + 1):
        verdicts.refused(f"{number}/x", "AccessDenied")
    assert verdicts.refusal("another/x") == ""


def test_one_thread_probes_and_the_others_wait_for_its_verdict() -> None:
    """However many threads start at once, one refused request is paid for."""
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal("a/0") == ""
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda n=n: answers.append(verdicts.refusal(f"a/{n}"))) for n in range(1, 9)
    ]
    for thread in threads:
        thread.start()
    assert answers == []
    verdicts.refused("a/0", "AccessDenied")
    for thread in threads:
        thread.join()
    assert answers == ["AccessDenied"] * 8


def test_long_copies_neither_wait_nor_are_waited_for() -> None:
    """While a huge object is copied, nobody waits for what comes of it; what is known holds for it, too."""
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal("a/huge", probing=False) == ""
    assert verdicts.refusal("a/0") == ""
    assert verdicts.refusal("a/huger", probing=False) == ""
    verdicts.refused("a/0", "AccessDenied")
    assert verdicts.refusal("a/hugest", probing=False) == "AccessDenied"


def test_a_probe_that_tells_nothing_passes_the_turn() -> None:
    """After a failure that is no refusal the next object probes."""
    verdicts = CopyPermissionCache(Time())
    assert verdicts.refusal("a/0") == ""
    verdicts.undecided("a/0")
    assert verdicts.refusal("a/1") == ""


def test_memory_is_bounded() -> None:
    """A bucket with millions of folders does not fill the memory."""
    verdicts = CopyPermissionCache(Time())
    for number in range(MOST_FOLDERS * 2 + 5):
        verdicts.permitted(f"{number}/x")
    assert len(verdicts._permitted) <= MOST_FOLDERS
