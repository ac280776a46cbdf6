"""`s3mover policy` proves itself: two accounts with exactly what it prints, and each right taken away in turn."""

import copy
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from s3mover.commands.check import check
from s3mover.commands.policy import policy
from s3mover.settings.load import load
from simulator import Simulator, SimulatorKey
from testkit.program import daemon, run_program
from testkit.waiting import wait_until
from testkit.world import DESTINATION, DESTINATION_ACCOUNT, SOURCE, SOURCE_ACCOUNT

GIB = 2**30
PREFIX = "docs/"
NOTHING: dict[str, Any] = {"Statement": []}
Json = dict[str, Any]


@dataclass
class Accounts:
    """Two accounts that permit nothing yet, and the settings of a user who is about to ask what they must."""

    s3: Simulator
    keys: dict[str, SimulatorKey]
    source_key: str
    settings: dict[str, str]

    def printed(self, way: str) -> list[Json]:
        """Return the documents that `policy` prints for one way, those that say something."""
        said: list[str] = []
        settings = load(None, self.settings, {})
        policy(settings, said.append, side=None, source_key=self.source_key, as_json=True)
        documents: list[Json] = json.loads(said[0])
        return [one for one in documents if one["way"] == way and one["policy"]]

    def attach(self, documents: list[Json]) -> None:
        """Give identities, buckets and keys what the documents say, and nothing else.

        A KMS key's policy always trusts the key's own account besides, as AWS makes it.
        """
        found = {(one["kind"], one["side"]): one["policy"] for one in documents}
        for side, account, bucket in (
            ("source", SOURCE_ACCOUNT, SOURCE),
            ("destination", DESTINATION_ACCOUNT, DESTINATION),
        ):
            self.s3.set_policies(self.keys[side], [found.get(("identity", side), NOTHING)])
            self.s3.configure_bucket(bucket, policy=found.get(("bucket", side), NOTHING))
            if side == "source" and self.source_key:
                own = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "kms:*", "Resource": "*"}
                further = found.get(("key", side), NOTHING)["Statement"]
                self.s3.command("set_kms_policy", arn=self.source_key, policy={"Statement": [own, *further]})

    def check(self) -> dict[str, Json]:
        """Return what `check` finds, by the names of its tests."""
        said: list[str] = []
        check(load(None, self.settings, {}), said.append, as_json=True)
        return {result["name"]: result for result in json.loads(said[0])}


@pytest.fixture(params=["", "kms"], ids=["plain", "kms"])
def accounts(simulator: Simulator, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Accounts]:
    """Both accounts, without KMS and with a key at each end; a tagged, a plain and a large object to move."""
    kms = request.param
    source_key = simulator.add_kms_key(SOURCE_ACCOUNT) if kms else ""
    simulator.create_bucket(SOURCE, SOURCE_ACCOUNT)
    simulator.create_bucket(DESTINATION, DESTINATION_ACCOUNT)
    encrypted: Json = {"kms_key": source_key} if kms else {}
    simulator.put_object(SOURCE, "docs/tagged", b"t", tags={"a": "b"}, **encrypted)
    simulator.put_object(SOURCE, "docs/plain", b"plain", **encrypted)
    simulator.put_object(SOURCE, "docs/large", size=6 * GIB, tags={"c": "d"}, **encrypted)
    simulator.put_object(SOURCE, "elsewhere", b"not ours", **encrypted)
    keys = {
        "source": simulator.add_key(SOURCE_ACCOUNT, "user/reader"),
        "destination": simulator.add_key(DESTINATION_ACCOUNT, "user/mover"),
    }
    yield Accounts(simulator, keys, source_key, settings_for(simulator, keys, tmp_path, kms))
    simulator.clear_faults()
    simulator.set_latency(0)
    simulator.clear_log()
    simulator.remove_bucket(SOURCE)
    simulator.remove_bucket(DESTINATION)


def settings_for(
    simulator: Simulator, keys: dict[str, SimulatorKey], folder: Path, kms: str
) -> dict[str, str]:
    """Return the environment that names both ends, their accounts and, perhaps, the destination's key."""
    values = {"MYSQL_DSN": f"sqlite:///{folder}/s3mover.db", "SRC_PREFIX": PREFIX}
    for short, side, bucket, account in (
        ("SRC", "source", SOURCE, SOURCE_ACCOUNT),
        ("DST", "destination", DESTINATION, DESTINATION_ACCOUNT),
    ):
        values |= {
            f"{short}_BUCKET": bucket,
            f"{short}_ACCOUNT_ID": account,
            f"{short}_ACCESS_KEY": keys[side].access_key,
            f"{short}_SECRET_KEY": keys[side].secret_key,
            f"{short}_REGION": simulator.region,
            f"{short}_ENDPOINT_URL": simulator.endpoint,
        }
    if kms:
        values["S3MOVER_DESTINATION__KMS_KEY_ID"] = simulator.add_kms_key(DESTINATION_ACCOUNT)
    return values


def without_each_action(documents: list[Json]) -> Iterator[tuple[str, str, list[Json]]]:
    """Yield the documents with one action of one statement taken away, in turn, and say which."""
    for at, document in enumerate(documents):
        for number, statement in enumerate(document["policy"]["Statement"]):
            actions = statement["Action"]
            for action in [actions] if isinstance(actions, str) else actions:
                changed = copy.deepcopy(documents)
                fewer = [one for one in actions if one != action] if isinstance(actions, list) else []
                changed[at]["policy"]["Statement"][number]["Action"] = fewer or "s3:None"
                place = f"{document['side']} {document['kind']} {statement['Sid']}"
                yield place, action, changed


@pytest.mark.parametrize("way", ["server_side_copy", "streaming"])
def test_what_is_printed_is_enough(accounts: Accounts, tmp_path: Path, way: str) -> None:
    """With the printed documents alone a sweep moves everything below the prefix, tags and all, in parts if large."""
    accounts.attach(accounts.printed(way))
    if way == "streaming":
        accounts.s3.delete_objects(SOURCE, ["docs/large"])
    settings = {**accounts.settings, "S3MOVER_TRANSFER__METHOD": way, "S3MOVER_TRANSFER__PART_SIZE": "512MiB"}

    run_program(["sweep"], settings, tmp_path)

    moved = accounts.s3.differences(
        SOURCE, DESTINATION, first_prefix=PREFIX, second_prefix=PREFIX, ignoring=["encryption"]
    )
    assert moved == []
    refused = [name for name in accounts.s3.counts() if ":AccessDenied" in name]
    assert refused == []


def test_what_is_printed_is_enough_to_recover(accounts: Accounts, tmp_path: Path) -> None:
    """A killed sweep's rows are resolved though S3 refuses what is missing; what vanishes meanwhile is skipped."""
    accounts.attach(accounts.printed("server_side_copy"))
    accounts.s3.delete_objects(SOURCE, ["docs/large"])
    accounts.s3.add_fault("hang", operation="CopyObject")
    # Where the method is given, neither copy waits for what the other one finds out.
    with daemon(accounts.settings, tmp_path, "--set", "transfer.method=server_side_copy", "sweep") as killed:
        wait_until(lambda: accounts.s3.hits() == 2, "both copies hang", killed.tail)
    accounts.s3.delete_objects(SOURCE, ["docs/plain"])
    accounts.s3.clear_faults()

    done = run_program(["sweep"], accounts.settings, tmp_path)

    assert done.stdout.count('"object.recovered"') == 2
    assert [one["key"] for one in accounts.s3.objects(DESTINATION)] == ["docs/tagged"]


def test_an_object_that_vanishes_is_no_failure(accounts: Accounts, tmp_path: Path) -> None:
    """Though the principal that copies may not list the source, and is told no more than that it may not."""
    accounts.attach(accounts.printed("server_side_copy"))
    accounts.s3.delete_objects(SOURCE, ["docs/large"])
    accounts.s3.add_fault("hold", operation="CopyObject")
    with daemon(accounts.settings, tmp_path, "--set", "transfer.threads=1", "sweep") as running:
        running.await_event("sweep.listed")
        wait_until(lambda: accounts.s3.log("CopyObject"), "the first copy is made", running.tail)
        copied = accounts.s3.log("CopyObject")[0]["key"]
        [waiting] = {"docs/plain", "docs/tagged"} - {copied}
        accounts.s3.delete_objects(SOURCE, [waiting])
        accounts.s3.clear_faults()
        finished = running.await_event("sweep.finished")
    assert (finished["succeeded"], finished["failed"]) == (1, 0)
    assert [event["key"] for event in running.events if event["event"] == "object.skipped"] == [waiting]
    assert "PutObject:AccessDenied" not in accounts.s3.counts()


def test_what_is_printed_for_moving_is_enough_to_delete(accounts: Accounts, tmp_path: Path) -> None:
    """The source is emptied below the prefix; without the right the sweep says so before it begins."""
    accounts.settings["S3MOVER_TRANSFER__AFTER"] = "delete"
    whole = accounts.printed("server_side_copy")
    [fewer] = [
        documents
        for place, action, documents in without_each_action(whole)
        if action == "s3:DeleteObject" and place.startswith("source identity")
    ]
    accounts.attach(fewer)
    assert "s3:DeleteObject" in run_program(["sweep"], accounts.settings, tmp_path, expect=3).stderr
    accounts.attach(whole)
    run_program(["sweep"], accounts.settings, tmp_path)
    assert [one["key"] for one in accounts.s3.objects(SOURCE)] == ["elsewhere"]
    assert accounts.s3.count(DESTINATION) == 3


def test_check_finds_what_is_printed_in_order(accounts: Accounts, tmp_path: Path) -> None:
    """With the printed documents every test of both ends passes, and nothing stays behind."""
    run_program(["schema", "apply"], accounts.settings, tmp_path)
    accounts.attach(accounts.printed("server_side_copy"))
    assert {result["level"] for result in accounts.check().values()} == {"ok"}
    assert accounts.s3.count(DESTINATION) == 0
    assert accounts.s3.uploads(DESTINATION) == []


def test_every_action_that_is_printed_is_needed(accounts: Accounts, tmp_path: Path) -> None:
    """Take one away, and `check` names it and prints the statement that brings it back."""
    run_program(["schema", "apply"], accounts.settings, tmp_path)
    whole = accounts.printed("server_side_copy")
    for place, action, documents in without_each_action(whole):
        accounts.attach(documents)
        troubled = [result for result in accounts.check().values() if result["level"] != "ok"]
        assert troubled, f"{action} of {place} is not needed"
        assert any(action in result["message"] for result in troubled), (place, action, troubled)
        assert any(action in json.dumps(result.get("policy")) for result in troubled), (place, action)


def test_what_check_prints_repairs_what_is_missing(accounts: Accounts, tmp_path: Path) -> None:
    """Begin with nothing, add whatever check says, and look again, until all is well."""
    run_program(["schema", "apply"], accounts.settings, tmp_path)
    attached: list[Json] = []
    for _ in range(12):
        accounts.attach(merged(attached))
        troubled = [result for result in accounts.check().values() if result["level"] != "ok"]
        if not troubled:
            break
        attached += [placed(one) for result in troubled for one in result.get("policy", [])]
    assert troubled == []
    used = {(one["kind"], one["side"]) for one in attached}
    assert used == {(one["kind"], one["side"]) for one in accounts.printed("server_side_copy")}


def placed(remedy: Json) -> Json:
    """Read what a remedy is to be attached to, as a person would."""
    text = remedy["attach_to"]
    side = "destination" if re.search(f"destination|{DESTINATION}$", text) else "source"
    kind = next(
        kind for kind, word in (("key", "KMS"), ("bucket", "bucket"), ("identity", "")) if word in text
    )
    return {"kind": kind, "side": side, "policy": remedy["policy"]}


def merged(documents: list[Json]) -> list[Json]:
    """Put the statements of several documents for one place into one."""
    statements: dict[tuple[str, str], list[Json]] = {}
    for one in documents:
        statements.setdefault((one["kind"], one["side"]), []).extend(one["policy"]["Statement"])
    return [
        {"kind": kind, "side": side, "policy": {"Statement": said}}
        for (kind, side), said in statements.items()
    ]


@pytest.mark.parametrize("accounts", [""], indirect=True, ids=["plain"])
@pytest.mark.parametrize("method", ["server_side_copy", "streaming"])
def test_every_request_says_whose_bucket_it_expects(accounts: Accounts, tmp_path: Path, method: str) -> None:
    """Those of the workers as well; and each copy whose source. Whatever does not is denied here."""
    accounts.attach(accounts.printed("server_side_copy"))
    accounts.s3.delete_objects(SOURCE, ["docs/large"])
    silent = [("s3:*", "s3:x-amz-expected-bucket-owner")]
    if method == "server_side_copy":
        silent.append(("s3:PutObject", "s3:x-amz-source-expected-bucket-owner"))
    denials = [
        {"Effect": "Deny", "Action": action, "Resource": "*", "Condition": {"Null": {header: "true"}}}
        for action, header in silent
    ]
    found = {
        one["side"]: one["policy"]
        for one in accounts.printed("server_side_copy")
        if one["kind"] == "identity"
    }
    for side, key in accounts.keys.items():
        accounts.s3.set_policies(key, [found[side], {"Statement": denials}])
    run_program(["--set", f"transfer.method={method}", "sweep"], accounts.settings, tmp_path)
    assert accounts.s3.count(DESTINATION) == 2


@pytest.mark.parametrize("accounts", [""], indirect=True, ids=["plain"])
@pytest.mark.parametrize("side", ["SRC", "DST"])
@pytest.mark.parametrize("command", ["sweep", "verify", "sweep --dry-run", "check"])
def test_a_stranger_s_bucket_is_one_sentence(
    accounts: Accounts, tmp_path: Path, side: str, command: str
) -> None:
    """A bucket that another account owns ends with exit code 3 and the setting's name; nothing is written."""
    accounts.attach(accounts.printed("server_side_copy"))
    settings = {**accounts.settings, f"{side}_ACCOUNT_ID": "999999999999"}
    done = run_program(command.split(), settings, tmp_path, expect=3)
    name = {"SRC": "source.account_id", "DST": "destination.account_id"}[side]
    said = done.stdout + done.stderr
    assert f"{name}: the bucket" in said
    assert "999999999999" in said
    assert accounts.s3.count(DESTINATION) == 0


def test_what_is_printed_is_enough_to_carry_deletions_over(accounts: Accounts, tmp_path: Path) -> None:
    """Also to ask the source once more: S3 refuses missing objects (403) to those who may list below a prefix only."""
    accounts.settings |= {
        "S3MOVER_DELETIONS__MODE": "propagate",
        "S3MOVER_DELETIONS__CONFIRM": "1",
        "S3MOVER_DELETIONS__MIN_AGE": "0",
        "S3MOVER_DELETIONS__MAX_SHARE": "100%",
    }
    accounts.s3.delete_objects(SOURCE, ["docs/large"])
    accounts.attach(accounts.printed("streaming"))
    run_program(["--set", "transfer.method=streaming", "sweep"], accounts.settings, tmp_path)
    accounts.s3.delete_objects(SOURCE, ["docs/plain"])
    run_program(["--set", "transfer.method=streaming", "sweep"], accounts.settings, tmp_path)
    assert [one["key"] for one in accounts.s3.objects(DESTINATION)] == ["docs/tagged"]
    assert accounts.check()["destination: delete"]["level"] == "ok"

    fewer = copy.deepcopy(accounts.printed("streaming"))
    for document in fewer:
        statements = document["policy"]["Statement"]
        document["policy"]["Statement"] = [one for one in statements if one["Sid"] != "DeleteFromDestination"]
    accounts.attach(fewer)
    refused = accounts.check()["destination: delete"]
    assert refused["level"] == "failed"
    assert "grant s3:DeleteObject" in refused["message"]
