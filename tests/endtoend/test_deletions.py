"""`deletions.mode`: what was deleted at the source goes at the destination, after every guard, and by the trail."""

import csv
import io
import json
import re
import sqlite3
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from s3mover.audit.opening import open_trail
from testkit.keys import ODD_KEYS
from testkit.memory import run_measured
from testkit.program import daemon, run_program
from testkit.trail_rows import rows
from testkit.world import DESTINATION, DESTINATION_ACCOUNT, SOURCE, World

# Confirmed by the first sweep that misses an object, without limits: one guard at a time is tested.
AT_ONCE = {
    "deletions.mode": "propagate",
    "deletions.confirm": "1",
    "deletions.min_age": "0",
    "deletions.max_share": "100%",
}
DELETES = ("DeleteObject", "DeleteObjects")
Events = list[dict[str, Any]]


def run(world: World, folder: Path, *arguments: str, expect: int = 0, **settings: str) -> str:
    """Run a command with these settings, and return what it prints; `__` in a name stands for the dot."""
    given = AT_ONCE | {name.replace("__", "."): value for name, value in settings.items()}
    options = [option for name, value in given.items() for option in ("--set", f"{name}={value}")]
    return run_program([*options, *arguments], world.environment, folder, expect).stdout


def sweep(world: World, folder: Path, *, expect: int = 0, **settings: Any) -> Events:
    """Sweep once, and return the events."""
    output = run(world, folder, "sweep", expect=expect, log__format="json", **settings)
    return [json.loads(line) for line in output.splitlines()]


def named(events: Events, name: str) -> list[str]:
    return [event["key"] for event in events if event["event"] == name]


def keys_at(world: World, bucket: str = DESTINATION) -> list[str]:
    return [entry["key"] for entry in world.s3.objects(bucket)]


def deletion_rows(folder: Path) -> list[tuple[Any, ...]]:
    return rows(
        folder, "SELECT file_key, status FROM document_logs WHERE action = 'delete' ORDER BY file_key"
    )


def summary(folder: Path) -> str:
    return max((folder / "logs").iterdir(), key=lambda file: file.stat().st_mtime_ns).read_text()


def furnish(world: World, folder: Path, *keys: str, **settings: Any) -> None:
    """Put objects into the source, and let a sweep copy them."""
    world.s3.put_objects(SOURCE, [{"key": key, "body": key.encode()} for key in keys])
    sweep(world, folder, **settings)
    world.s3.clear_log()


def asked_to_delete(world: World) -> int:
    return sum(world.s3.counts(DESTINATION).get(operation, 0) for operation in DELETES)


# What happens


def test_what_was_deleted_at_the_source_goes_at_the_destination(world: World, tmp_path: Path) -> None:
    """Whatever its key; each deletion has a row that says why, apart from the copies, which count as before."""
    furnish(world, tmp_path, *ODD_KEYS, "kept")
    world.s3.delete_objects(SOURCE, ODD_KEYS)
    events = sweep(world, tmp_path)
    assert keys_at(world) == ["kept"]
    assert Counter(named(events, "object.deleted")) == Counter(ODD_KEYS)
    rest = rows(
        tmp_path,
        "SELECT DISTINCT status, method, action, error_code, source_etag, length(destination_etag), batch_id"
        " FROM document_logs WHERE action <> 'copy'",
    )
    assert rest == [("success", "deletion", "delete", None, "", 32, 2)]
    [(message,)] = rows(
        tmp_path, "SELECT DISTINCT substr(message, 1, 47) FROM document_logs WHERE batch_id = 2"
    )
    assert message == "missing at the source in 1 completed sweeps, si"
    assert rows(tmp_path, "SELECT COUNT(*) FROM document_logs WHERE method <> 'deletion'") == [
        (len(ODD_KEYS) + 1,)
    ]
    assert rows(tmp_path, "SELECT planned, succeeded, failed, bytes FROM migration_batches WHERE id = 2") == [
        (0, 0, 0, 0)
    ]
    assert rows(tmp_path, "SELECT COUNT(*) FROM deletion_candidates") == [(0,)]
    assert f"Deleted at destination: {len(ODD_KEYS)} (0 waiting for confirmation)" in summary(tmp_path)
    assert "1 equal, 0 unproven, 0 missing, 0 different, 0 extra" in run(world, tmp_path, "verify", "--exact")
    assert named(sweep(world, tmp_path), "object.deleted") == []


def test_an_object_that_comes_back_is_copied_again(world: World, tmp_path: Path) -> None:
    """A deletion does not stand in the way of a later copy, nor that in the way of a later deletion."""
    furnish(world, tmp_path, "a", "b")
    for _ in range(2):
        world.s3.delete_objects(SOURCE, ["a"])
        sweep(world, tmp_path)
        assert keys_at(world) == ["b"]
        world.s3.put_object(SOURCE, "a", b"a")
        sweep(world, tmp_path)
        assert keys_at(world) == ["a", "b"]
    assert deletion_rows(tmp_path) == [("a", "success")] * 2


def test_keeping_is_the_default_and_costs_nothing(world: World, tmp_path: Path) -> None:
    """No request, no row and no candidate more; the destination is listed no further than the source."""
    furnish(world, tmp_path, "a", deletions__mode="keep")
    run_program(["sweep"], world.environment, tmp_path)
    usual = world.s3.counts()
    world.s3.fill(DESTINATION, 2500, size=1, prefix="z")
    world.s3.clear_log()
    bare = run_program(["sweep"], world.environment, tmp_path).stdout
    assert world.s3.counts() == usual
    assert usual.keys() == {"ListObjectsV2"}
    assert rows(tmp_path, "SELECT COUNT(*) FROM document_logs") == [(1,)]
    assert rows(tmp_path, "SELECT COUNT(*) FROM deletion_candidates") == [(0,)]
    assert "delet" not in bare
    assert "Deleted at destination" not in summary(tmp_path)


def test_reporting_lists_and_counts_and_deletes_nothing(world: World, tmp_path: Path) -> None:
    """It needs no right to delete, and the summary says what would go."""
    furnish(world, tmp_path, "a", "b", deletions__mode="report")
    world.s3.delete_objects(SOURCE, ["a"])
    world.s3.add_fault("access_denied", operation="Delete*", bucket=DESTINATION)
    events = sweep(world, tmp_path, deletions__mode="report")
    assert (keys_at(world), named(events, "object.deleted"), asked_to_delete(world)) == (["a", "b"], [], 0)
    assert "Deleted at destination: 0 (0 waiting for confirmation)\n- Confirmed, only reported: 1" in summary(
        tmp_path
    )
    assert "confirmed        1" in run(world, tmp_path, "deletions", "list")


# Guards


def test_an_object_must_be_missed_by_two_sweeps_in_a_row(world: World, tmp_path: Path) -> None:
    """What is back in between begins anew, in whatever process the next sweep runs."""
    two: dict[str, Any] = {"deletions__confirm": "2"}
    furnish(world, tmp_path, "a", "b", "c", **two)
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path, **two)
    assert "Deleted at destination: 0 (1 waiting for confirmation)" in summary(tmp_path)
    world.s3.put_object(SOURCE, "a", b"a")
    sweep(world, tmp_path, **two)
    assert rows(tmp_path, "SELECT COUNT(*) FROM deletion_candidates") == [(0,)]
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path, **two)
    assert keys_at(world) == ["a", "b", "c"]
    world.s3.delete_objects(SOURCE, ["b"])
    sweep(world, tmp_path, **two)
    assert keys_at(world) == ["b", "c"]


def test_an_object_must_be_missing_for_a_time(world: World, tmp_path: Path) -> None:
    """However many sweeps miss it: the time is from the first of them to the beginning of the last."""
    hour: dict[str, Any] = {"deletions__min_age": "1h"}
    furnish(world, tmp_path, "a", "b", **hour)
    world.s3.delete_objects(SOURCE, ["a"])
    for _ in range(2):
        sweep(world, tmp_path, **hour)
    assert (keys_at(world), deletion_rows(tmp_path)) == (["a", "b"], [])
    # As if an hour had passed.
    edit(tmp_path, "UPDATE deletion_candidates SET first_missed_at = datetime(first_missed_at, '-1 hour')")
    sweep(world, tmp_path, **hour)
    assert keys_at(world) == ["b"]


def edit(folder: Path, statement: str) -> None:
    with closing(open_trail(f"sqlite:///{folder}/s3mover.db")) as trail:
        trail._database.run(statement)  # type: ignore[attr-defined]


def test_a_sweep_that_fails_deletes_nothing_and_does_not_count(world: World, tmp_path: Path) -> None:
    """Whatever it had seen before: an incomplete listing says nothing about what is missing."""
    two: dict[str, Any] = {"deletions__confirm": "2"}
    furnish(world, tmp_path, "a", "b", **two)
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path, **two)
    world.s3.fill(SOURCE, 1500, size=1, prefix="z")
    # The listing breaks off after its first page.
    world.s3.add_fault("access_denied", operation="ListObjectsV2", bucket=SOURCE, nth=[*range(3, 99)])
    sweep(world, tmp_path, expect=3, **two)
    assert rows(tmp_path, "SELECT times_missed, seen_batch FROM deletion_candidates") == [(1, 3)]
    assert "a" in keys_at(world)
    world.s3.clear_faults()
    sweep(world, tmp_path, **two)
    assert "a" not in keys_at(world)


@pytest.mark.parametrize("bucket", [SOURCE, DESTINATION])
def test_a_listing_that_contradicts_itself_deletes_nothing(world: World, tmp_path: Path, bucket: str) -> None:
    """On either side: the sweep fails, whatever it had seen."""
    furnish(world, tmp_path, "a", "b", "c", "d")
    world.s3.delete_objects(SOURCE, ["a"])
    world.s3.configure_bucket(bucket, quirks=["unordered_pages"])
    sweep(world, tmp_path, expect=3)
    assert (keys_at(world), deletion_rows(tmp_path)) == (["a", "b", "c", "d"], [])
    world.s3.configure_bucket(bucket, quirks=[])
    sweep(world, tmp_path)
    assert keys_at(world) == ["b", "c", "d"]


def test_a_source_that_lists_nothing_deletes_nothing(world: World, tmp_path: Path) -> None:
    """An unmounted prefix, or the wrong bucket: it is said, and not even counted as a miss."""
    furnish(world, tmp_path, "a", "b")
    world.s3.delete_objects(SOURCE, ["a", "b"])
    for _ in range(2):
        events = sweep(world, tmp_path, expect=1)
        [refused] = [event for event in events if event["event"] == "deletions.refused"]
        assert (refused["objects"], refused["level"]) == (2, "warning")
    assert keys_at(world) == ["a", "b"]
    assert rows(tmp_path, "SELECT DISTINCT times_missed FROM deletion_candidates") == [(0,)]
    assert "- Deletions not allowed: the source lists no objects at all" in summary(tmp_path)


def test_half_a_listing_deletes_nothing_under_the_default_limits(world: World, tmp_path: Path) -> None:
    """Its XML is valid, and nothing says that it is truncated: only the numbers tell."""
    world.s3.fill(SOURCE, 3000, size=1)
    default: dict[str, Any] = {"deletions__max_share": "10%"}
    sweep(world, tmp_path, **default)
    world.s3.configure_bucket(SOURCE, quirks=["half_listings"])
    world.s3.clear_log()
    for _ in range(2):
        events = sweep(world, tmp_path, expect=1, **default)
        [refused] = [event for event in events if event["event"] == "deletions.refused"]
        assert 1000 < refused["objects"] < 2000
    assert world.s3.count(DESTINATION) == 3000
    assert not {"HeadObject"} & world.s3.counts(SOURCE).keys()
    assert deletion_rows(tmp_path) == []


def test_the_source_is_asked_once_more_before_each_deletion(world: World, tmp_path: Path) -> None:
    """Even where half a listing is believed, what the source still has stays."""
    furnish(world, tmp_path, *map(str, range(40)))
    world.s3.configure_bucket(SOURCE, quirks=["half_listings"])
    sweep(world, tmp_path)
    assert world.s3.count(DESTINATION) == 40
    assert deletion_rows(tmp_path) == []
    kept = re.search(r"kept \(came_back\): (\d+)", summary(tmp_path))
    assert kept is not None
    assert int(kept[1]) == world.s3.counts(SOURCE)["HeadObject"]


@pytest.mark.parametrize("code", ["access_denied", "slow_down"])
def test_where_the_source_cannot_be_asked_nothing_is_deleted(world: World, tmp_path: Path, code: str) -> None:
    """A refusal is an error in the trail; a source that does not answer for now withdraws the row."""
    furnish(world, tmp_path, "a", "b")
    world.s3.delete_objects(SOURCE, ["a"])
    # Neither the HEAD, nor the listing that shows whether a forbidden object is there.
    world.s3.add_fault(code, operation="HeadObject", bucket=SOURCE)
    if code == "access_denied":
        world.s3.add_fault(code, operation="ListObjectsV2", bucket=SOURCE, nth=[*range(3, 99)])
    refused = code == "access_denied"
    sweep(world, tmp_path, expect=1 if refused else 0, transfer__max_attempts="1")
    assert keys_at(world) == ["a", "b"]
    assert deletion_rows(tmp_path) == ([("a", "error")] if refused else [])


def test_above_a_limit_nothing_is_deleted_until_it_is_approved(world: World, tmp_path: Path) -> None:
    """Once, for the list as it stands, by its digest; what is missed later is judged by itself."""
    limit: dict[str, Any] = {"deletions__max_objects": "2"}
    furnish(world, tmp_path, *"abcdefgh", **limit)
    world.s3.delete_objects(SOURCE, ["a", "b", "c"])
    events = sweep(world, tmp_path, expect=1, **limit)
    [refused] = [event for event in events if event["event"] == "deletions.refused"]
    assert refused["objects"] == 3
    assert "more than deletions.max_objects (2)" in refused["message"]
    assert (asked_to_delete(world), deletion_rows(tmp_path)) == (probes(), [])
    listed = run(world, tmp_path, "deletions", "list", **limit)
    digest = listed.split()[-1]
    assert f"deletions approve {digest}" in refused["message"]

    assert "no list" in run(world, tmp_path, "deletions", "approve", "0" * 16, expect=1, **limit)
    assert "3 deletions approved" in run(world, tmp_path, "deletions", "approve", digest, **limit)
    world.s3.delete_objects(SOURCE, ["d", "e", "f"])
    events = sweep(world, tmp_path, expect=1, **limit)
    assert sorted(named(events, "object.deleted")) == ["a", "b", "c"]
    assert keys_at(world) == list("defgh")
    assert "approved" in rows(tmp_path, "SELECT message FROM document_logs WHERE action = 'delete'")[0][0]
    assert "no list" in run(world, tmp_path, "deletions", "approve", digest, expect=1, **limit)

    digest = run(world, tmp_path, "deletions", "list", **limit).split()[-1]
    run(world, tmp_path, "deletions", "approve", digest, **limit)
    world.s3.delete_objects(SOURCE, ["g"])
    sweep(world, tmp_path, **limit)
    assert keys_at(world) == ["h"]


def probes() -> int:
    """Return how many requests to delete find out at a start what is permitted, and whether conditions hold."""
    return 3


def test_a_share_of_the_destination_is_a_limit_too(world: World, tmp_path: Path) -> None:
    """Of all that its listing holds, whoever put it there."""
    share: dict[str, Any] = {"deletions__max_share": "10%"}
    furnish(world, tmp_path, *"abcdefgh", **share)
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path, expect=1, **share)
    assert len(keys_at(world)) == 8
    world.s3.put_objects(DESTINATION, [{"key": key, "body": b"foreign"} for key in ("x", "y")])
    sweep(world, tmp_path, **share)
    assert keys_at(world) == [*"bcdefgh", "x", "y"]


@pytest.mark.parametrize("scope", ["recorded", "all"])
def test_only_what_s3mover_put_there_goes_by_default(world: World, tmp_path: Path, scope: str) -> None:
    """Not what others put there, nor what they replaced; with scope `all` both."""
    furnish(world, tmp_path, "a", "b", "kept", deletions__scope=scope)
    world.s3.put_object(DESTINATION, "b", b"replaced")
    world.s3.put_object(DESTINATION, "c", b"foreign")
    world.s3.delete_objects(SOURCE, ["a", "b"])
    sweep(world, tmp_path, deletions__scope=scope)
    assert keys_at(world) == (["kept"] if scope == "all" else ["b", "c", "kept"])
    kept = "- Only at destination, kept (not_recorded): 2"
    assert (kept in summary(tmp_path)) is (scope == "recorded")


def test_what_a_filter_leaves_out_and_what_is_young_stays(world: World, tmp_path: Path) -> None:
    """Even with scope `all`: a filter is a promise about both sides."""
    furnish(world, tmp_path, "a.pdf", "b.tmp", "kept", deletions__scope="all")
    world.s3.delete_objects(SOURCE, ["a.pdf", "b.tmp"])
    young: dict[str, Any] = {"filter__min_age": "1h", "deletions__scope": "all"}
    sweep(world, tmp_path, filter__exclude="*.tmp", **young)
    assert keys_at(world) == ["a.pdf", "b.tmp", "kept"]
    assert "kept (too_young): 1" in summary(tmp_path)
    sweep(world, tmp_path, filter__exclude="*.tmp", deletions__scope="all")
    assert keys_at(world) == ["b.tmp", "kept"]
    assert "kept (filtered): 1" in summary(tmp_path)


def test_nothing_outside_the_prefix_is_touched(world: World, tmp_path: Path) -> None:
    """The pair is below its prefixes on both sides, which may differ."""
    pair: dict[str, Any] = {"source__prefix": "in/", "destination__prefix": "out/", "deletions__scope": "all"}
    furnish(world, tmp_path, "in/a", "in/b", **pair)
    world.s3.put_objects(DESTINATION, [{"key": key, "body": b"x"} for key in ("a", "in/a", "ou", "outer")])
    world.s3.delete_objects(SOURCE, ["in/a"])
    sweep(world, tmp_path, **pair)
    assert keys_at(world) == ["a", "in/a", "ou", "out/b", "outer"]
    assert deletion_rows(tmp_path) == [("in/a", "success")]


# Stores


def test_an_object_that_changes_meanwhile_stays(world: World, tmp_path: Path) -> None:
    """It changes after it was listed and before it is deleted: the deletion depends on the listed ETag."""
    furnish(world, tmp_path, "a", "b")
    world.s3.delete_objects(SOURCE, ["a"])
    hold = world.s3.add_fault("hold", operation="HeadObject", bucket=SOURCE, key="a")
    options = [option for name, value in AT_ONCE.items() for option in ("--set", f"{name}={value}")]
    with daemon(world.environment, tmp_path, *options, "sweep") as running:
        while not world.s3.hits(hold):
            assert running.process.poll() is None, running.tail()
        world.s3.put_object(DESTINATION, "a", b"newer")
        world.s3.clear_faults(hold)
        assert running.end() == 0
    assert world.s3.read_object(DESTINATION, "a") == b"newer"
    assert deletion_rows(tmp_path) == []
    assert "kept (changed): 1" in summary(tmp_path)


@pytest.mark.parametrize(
    ("quirks", "operation"),
    [
        ([], "DeleteObjects"),
        (["ignores_batch_delete_etags"], "DeleteObject"),
        (["ignores_delete_conditions"], "DeleteObject"),
        (["ignores_delete_conditions", "absent_delete_succeeds"], "DeleteObject"),
    ],
)
def test_the_safest_way_of_the_store_is_used(
    world: World, tmp_path: Path, quirks: list[str], operation: str
) -> None:
    """Many at a time by conditions, else one at a time by conditions, else each is compared right before."""
    world.s3.configure_bucket(DESTINATION, quirks=quirks)
    keys = [f"k{number}" for number in range(20)]
    furnish(world, tmp_path, *keys, "kept")
    world.s3.delete_objects(SOURCE, keys)
    sweep(world, tmp_path)
    assert keys_at(world) == ["kept"]
    counts = world.s3.counts(DESTINATION)
    single = counts.get("DeleteObject", 0)
    assert (single >= 20) is (operation == "DeleteObject")
    assert (counts.get("HeadObject", 0) >= 20) is ("ignores_delete_conditions" in quirks)
    assert deletion_rows(tmp_path) == [(key, "success") for key in sorted(keys)]


def test_versions_stay_in_a_bucket_that_keeps_them(world: World, tmp_path: Path) -> None:
    """A deletion adds a delete marker; no version goes, and no earlier one comes to the top."""
    world.s3.configure_bucket(DESTINATION, versioning="Enabled")
    furnish(world, tmp_path, "a", "b")
    world.s3.put_object(SOURCE, "a", b"second")
    sweep(world, tmp_path)
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path)
    assert keys_at(world) == ["b"]
    assert "DeleteObjectVersion" not in world.s3.counts(DESTINATION)
    world.s3.put_object(SOURCE, "a", b"third")
    sweep(world, tmp_path)
    assert world.s3.read_object(DESTINATION, "a") == b"third"


def deny_deletions(world: World, *keys: str) -> None:
    """Refuse the destination's own account the deletion of these objects, as a lock would."""
    statement = {
        "Effect": "Deny",
        "Principal": {"AWS": DESTINATION_ACCOUNT},
        "Action": "s3:DeleteObject",
        "Resource": [f"arn:aws:s3:::{DESTINATION}/{key}" for key in keys],
    }
    world.s3.configure_bucket(DESTINATION, policy={"Statement": [statement]})


def test_a_refused_deletion_is_a_row_and_waits_longer_each_time(world: World, tmp_path: Path) -> None:
    """As failed copies do; others go, the exit code says that the buckets differ, and `retry` ends the wait."""
    furnish(world, tmp_path, "a", "b", "kept")
    world.s3.delete_objects(SOURCE, ["a", "b"])
    deny_deletions(world, "a")
    tried = [named(sweep(world, tmp_path, expect=1), "object.kept") for _ in range(3)]
    assert tried == [["a"], ["a"], []]
    assert "kept (waiting): 1" in summary(tmp_path)
    assert keys_at(world) == ["a", "kept"]
    assert deletion_rows(tmp_path) == [("a", "error"), ("a", "error"), ("b", "success")]
    [(code, message)] = rows(
        tmp_path, "SELECT DISTINCT error_code, message FROM document_logs WHERE status = 'error'"
    )
    assert (code, message) == ("AccessDenied", "the destination refused the deletion")
    assert "deletion of a: AccessDenied" in run(world, tmp_path, "report", "--failed")
    deny_deletions(world, "nothing")
    run(world, tmp_path, "retry", "--all")
    sweep(world, tmp_path)
    assert keys_at(world) == ["kept"]


def test_a_missing_right_is_said_before_anything_begins(world: World, tmp_path: Path) -> None:
    """Also where the right covers the objects that `check` writes, and no others."""
    world.s3.put_object(SOURCE, "a", b"a")
    deny_deletions(world, "[!.]*", ".s3mover-absent-*")
    done = run_program(["--set", "deletions.mode=propagate", "sweep"], world.environment, tmp_path, expect=3)
    assert "grant s3:DeleteObject, or set deletions.mode to report or keep" in done.stderr
    assert world.s3.count(DESTINATION) == 0
    checked = run_program(
        ["--set", "deletions.mode=propagate", "check"], world.environment, tmp_path, expect=3
    )
    assert "❌ destination: delete" in checked.stdout
    assert "destination: delete" not in run_program(["check"], world.environment, tmp_path).stdout


def test_the_users_bound_on_requests_holds(world: World, tmp_path: Path) -> None:
    """Also for the questions to the source before each deletion, and for deletions one by one."""
    keys = [f"{number:02}\x07" for number in range(40)]
    furnish(world, tmp_path, *keys, "kept")
    world.s3.delete_objects(SOURCE, keys)
    sweep(world, tmp_path, transfer__requests_per_second="40")
    assert keys_at(world) == ["kept"]
    asked = [entry["at"] for entry in world.s3.log() if entry["operation"] in {"HeadObject", "DeleteObject"}]
    assert len(asked) >= 80
    # Long enough that it does not matter if this machine comes late to the first of them.
    assert max(asked) - min(asked) >= 80 / 40 * 0.8


# Commands


def test_a_dry_run_says_what_would_go_and_why_the_rest_would_not(world: World, tmp_path: Path) -> None:
    """Without a request that deletes, and without a row."""
    furnish(world, tmp_path, "a", "b.tmp", "kept")
    world.s3.put_object(DESTINATION, "foreign", b"x")
    world.s3.delete_objects(SOURCE, ["a", "b.tmp"])
    printed = run(world, tmp_path, "sweep", "--dry-run", filter__exclude="*.tmp").splitlines()
    assert "would not delete b.tmp (5 B, filtered)" in printed
    assert "would not delete foreign (1 B, not_recorded)" in printed
    assert "would delete a (1 B)" in printed
    assert "1 to delete at the destination, 2 to keep there" in printed
    printed = run(world, tmp_path, "sweep", "--dry-run", deletions__max_objects="1").splitlines()
    assert "would not delete a (1 B)" in printed
    assert (
        "2 to delete at the destination, 1 to keep there; refused: more than deletions.max_objects (1)"
        in printed
    )
    waiting = run(world, tmp_path, "sweep", "--dry-run", deletions__confirm="2", filter__exclude="*.tmp")
    assert "would not delete a (1 B, unconfirmed)" in waiting
    waiting = run(world, tmp_path, "sweep", "--dry-run", deletions__min_age="1h", filter__exclude="*.tmp")
    assert "would not delete a (1 B, too_recent)" in waiting
    plain = run_program(["sweep", "--dry-run"], world.environment, tmp_path).stdout
    assert "delete" not in plain
    assert rows(tmp_path, "SELECT COUNT(*) FROM deletion_candidates") == [(0,)]
    assert (asked_to_delete(world), len(keys_at(world))) == (0, 4)


def test_candidates_are_listed_for_people_and_machines(world: World, tmp_path: Path) -> None:
    """With what is known of each; the digest is the same in every form."""
    two: dict[str, Any] = {"deletions__confirm": "2"}
    assert "no objects wait" in run(world, tmp_path, "schema", "apply") + run(
        world, tmp_path, "deletions", "list"
    )
    furnish(world, tmp_path, "a", "=b", "c", **two)
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path, **two)
    world.s3.delete_objects(SOURCE, ["=b"])
    sweep(world, tmp_path, deletions__mode="report", **two)
    table = run(world, tmp_path, "deletions", "list")
    assert "1 waiting, 1 confirmed, 0 approved" in table
    document = json.loads(run(world, tmp_path, "deletions", "list", "--format", "json"))
    states = {one["key"]: (one["state"], one["times_missed"]) for one in document["candidates"]}
    assert states == {"a": ("confirmed", 2), "=b": ("waiting", 1)}
    assert document["counts"] == {"confirmed": 1, "waiting": 1}
    assert table.split()[-1] == document["digest"]
    listed = list(csv.DictReader(io.StringIO(run(world, tmp_path, "deletions", "list", "--format", "csv"))))
    assert {(one["state"], one["key"]) for one in listed} == {("confirmed", "a"), ("waiting", "'=b")}


def test_deletions_are_reported(world: World, tmp_path: Path) -> None:
    """From the trail, apart from the copies: a table of the latest, and all of them for machines."""
    furnish(world, tmp_path, "a", "b", "kept")
    world.s3.delete_objects(SOURCE, ["a", "b"])
    sweep(world, tmp_path)
    table = run(world, tmp_path, "report", "--deletions")
    assert "deleted at the destination: 2, failed: 0" in table
    assert re.search("success +b: missing at the source in 1 completed sweeps, since", table)
    [first, second] = json.loads(run(world, tmp_path, "report", "--deletions", "--format", "json"))[
        "deletions"
    ]
    assert {first["key"], second["key"]} == {"a", "b"}
    assert (first["status"], first["sweep"], first["size"], len(first["etag"])) == ("success", 2, 1, 32)
    listed = list(
        csv.DictReader(io.StringIO(run(world, tmp_path, "report", "--deletions", "--format", "csv")))
    )
    assert [one["key"] for one in listed] == [first["key"], second["key"]]
    assert "deletion" in run(world, tmp_path, "report")
    run(world, tmp_path, "report", "--deletions", "--failed", expect=2)


def test_old_candidates_are_forgotten(world: World, tmp_path: Path) -> None:
    """By `audit.retention`, and whatever the mode is then."""
    furnish(world, tmp_path, "a", "b")
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path, deletions__mode="report")
    assert rows(tmp_path, "SELECT COUNT(*) FROM deletion_candidates") == [(1,)]
    sweep(world, tmp_path, deletions__mode="keep", audit__retention="1h")
    assert rows(tmp_path, "SELECT COUNT(*) FROM deletion_candidates") == [(1,)]
    sweep(world, tmp_path, deletions__mode="keep", audit__retention="1ms")
    assert rows(tmp_path, "SELECT COUNT(*) FROM deletion_candidates") == [(0,)]


def test_sweeps_that_kept_interrupt_the_row(world: World, tmp_path: Path) -> None:
    """While nobody looked the object may have been back: it must be missed as often again."""
    two: dict[str, Any] = {"deletions__confirm": "2"}
    furnish(world, tmp_path, "a", "b", **two)
    world.s3.delete_objects(SOURCE, ["a"])
    sweep(world, tmp_path, **two)
    sweep(world, tmp_path, deletions__mode="keep")
    sweep(world, tmp_path, **two)
    assert keys_at(world) == ["a", "b"]
    sweep(world, tmp_path, **two)
    assert keys_at(world) == ["b"]


MANY = 100_000


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_hundred_thousand_deletions_take_no_more_memory_than_a_few(world: World, tmp_path: Path) -> None:
    """Candidates, limits and batches are read and written in pages, whatever their number."""
    peaks = {}
    settings = AT_ONCE | {"deletions.scope": "all", "deletions.max_objects": str(MANY), "audit.url": ""}
    for count in (5000, MANY):
        world.s3.put_object(SOURCE, "kept", b"kept")
        world.s3.fill(DESTINATION, count, size=1, prefix="gone/")
        settings["audit.url"] = f"sqlite:///trail-{count}.db"
        options = [option for name, value in settings.items() for option in ("--set", f"{name}={value}")]
        measured = run_measured([*options, "sweep"], world.environment, tmp_path, 1500)
        assert measured.code == 0, (tmp_path / "output").read_text()[-1000:]
        assert keys_at(world) == ["kept"]
        with closing(sqlite3.connect(tmp_path / f"trail-{count}.db")) as trail:
            deleted = "SELECT COUNT(*) FROM document_logs WHERE action = 'delete' AND status = 'success'"
            assert trail.execute(deleted).fetchall() == [(count,)]
        peaks[count] = measured.peak
    assert peaks[MANY] < peaks[5000] + 8 * 2**20, peaks
