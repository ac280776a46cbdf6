"""The `audit` commands, on an embedded trail."""

import contextlib
import csv
import hashlib
import json
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from s3mover.audit.canonical_rows import COLUMNS, INTEGERS, canonical, number_of
from s3mover.audit.opening import open_trail
from s3mover.audit.sealing import Sealing, Signer
from s3mover.audit.signatures import load_public_key, load_signer
from s3mover.audit.sweep_tree import SweepTree, leaves_of
from s3mover.cli import run_command_line
from s3mover.errors import ExitCode, SettingsError
from s3mover.model import SweepRecord, SweepStatus, Tally
from tests.audit.conftest import Backend, sqlite_backend
from tests.audit.samples import AT, PAIR, failed, moved, order

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def backend(tmp_path: Path) -> Backend:
    return sqlite_backend(tmp_path / "trail.db")


@pytest.fixture
def run(
    backend: Backend, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Run:
    """Run a command and return its exit code and output."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, settings: tuple[str, ...] = ()) -> tuple[int, str]:
        capsys.readouterr()
        options = [part for one in (f"audit.url={backend.url}", *settings) for part in ("--set", one)]
        code = run_command_line([*options, *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return run


def sweep(backend: Backend, rows: int, at: float = AT, signer: Signer | None = None) -> str:
    """Sweep once, and return the hash of the seal."""
    with contextlib.closing(open_trail(backend.url, Sealing(signer))) as trail:
        assert trail.acquire_lease(PAIR)
        id_ = trail.open_sweep(PAIR, at)
        orders = [order(id_, number, f"in/{number}") for number in range(1, rows + 1)]
        trail.intend(orders, at)
        trail.settle([failed(one) if one.number == 2 else moved(one) for one in orders])
        record = SweepRecord(
            id_, PAIR, at, at + 9, SweepStatus.COMPLETED, Tally(rows, 0, rows, rows), 9_000_000
        )
        return trail.close_sweep(record).hash


def key(tmp_path: Path, name: str = "key") -> str:
    path = tmp_path / name
    assert run_command_line(["audit", "keygen", str(path)]) == 0
    return str(path)


def test_an_intact_trail_says_what_that_rests_on(backend: Backend, run: Run) -> None:
    """Without signature, anchor or a known head, whoever can write the database could have written all of it."""
    sweep(backend, 3)
    head = sweep(backend, 0, AT + 60)
    code, said = run("audit", "verify")
    assert code == ExitCode.OK
    assert "2 seals, 2 sweeps, 3 rows: intact" in said
    assert "newest seal: 2 of " in said
    assert head in said
    assert "the chain of seals alone; whoever can write the database could have computed it anew" in said
    assert "seals removed at the end are not noticed" in said
    assert "not noticed" not in run("audit", "verify", "--head", head)[1]


def test_a_trail_without_seals_says_so(backend: Backend, run: Run) -> None:
    open_trail(backend.url).close()
    assert run("audit", "verify") == (
        0,
        "the trail has no seals: the first one is written at the end of a sweep\n",
    )


def test_what_was_changed_is_named_and_the_exit_code_is_1(backend: Backend, run: Run) -> None:
    """The first of it once more below; `--sweep` and `--since` narrow it down."""
    for at in range(3):
        sweep(backend, 3, AT + 60 * at)
    backend.query("DELETE FROM document_logs WHERE batch_id = 2 AND number = 3")
    backend.query("UPDATE migration_batches SET succeeded = 9 WHERE id = 3")
    code, said = run("audit", "verify")
    assert code == ExitCode.SOME_FAILED
    assert "  first: row: seal 2, sweep 2: row 3 was removed\n" in said
    assert "sweep: seal 3, sweep 3: migration_batches says succeeded = 9, the seal 3" in said
    assert run("audit", "verify", "--sweep", "1")[0] == ExitCode.OK
    assert run("audit", "verify", "--sweep", "2")[0] == ExitCode.SOME_FAILED
    assert run("audit", "verify", "--since", "1h")[0] == ExitCode.SOME_FAILED
    backend.query("UPDATE audit_seals SET sealed_at = '2001-01-01 00:00:00.000000'")
    assert "0 seals, 0 sweeps" in run("audit", "verify", "--since", "1h")[1]
    assert run("audit", "verify", "--since", "soon")[0] == ExitCode.USAGE


def test_the_result_is_printed_as_json(backend: Backend, run: Run) -> None:
    sweep(backend, 2)
    backend.query("DELETE FROM document_logs WHERE number = 1")
    code, said = run("audit", "verify", "--format", "json")
    report = json.loads(said)
    assert (code, report["intact"]) == (1, False)
    [pair] = report["pairs"]
    assert (pair["pair"], pair["seals"], pair["finding_count"]) == (PAIR._asdict(), 1, 1)
    assert pair["findings"] == [{"problem": "row", "message": "row 1 was removed", "seal": 1, "sweep": 1}]


def test_a_signed_seal_is_verified_with_the_public_key_alone(
    backend: Backend, run: Run, tmp_path: Path
) -> None:
    """The private key stays where seals are made."""
    private = key(tmp_path)
    sweep(backend, 1, signer=load_signer(private))
    code, said = run("audit", "verify", "--public-key", f"{private}.pub")
    assert (code, "1 seals signed with a key that you trust" in said) == (0, True)
    public = load_public_key(f"{private}.pub")
    assert f"1 seals signed with {public}; compare that" in run("audit", "verify")[1]
    settings = (f"audit.signing_key_file={private}",)
    assert "a key that you trust" in run("audit", "verify", settings=settings)[1]


FORGED = """
    UPDATE audit_seals SET content = REPLACE(content, '"late":false', '"late":true'), signature = {}
    WHERE number = 2
"""


def test_a_seal_that_another_signed_is_named(backend: Backend, run: Run, tmp_path: Path) -> None:
    """By another key, with another content, or by nobody where signing had begun."""
    ours, theirs = key(tmp_path), key(tmp_path, "other")
    trusted = ("audit", "verify", "--public-key", f"{ours}.pub")
    sweep(backend, 1)
    assert "no seal is signed, and a public key is given" in run(*trusted)[1]
    sweep(backend, 1, AT + 60, load_signer(ours))
    assert run(*trusted)[0] == 0, "what stands before the first signature is held by it"
    sweep(backend, 1, AT + 120, load_signer(theirs))
    sweep(backend, 1, AT + 180)
    code, said = run(*trusted)
    assert code == ExitCode.SOME_FAILED
    assert "signature: seal 3, sweep 3: it is signed with another key" in said
    assert "signature: seal 4, sweep 4: it is not signed, and seals before it are" in said
    backend.query(FORGED.format("signature"))
    assert "signature: seal 2, sweep 2: its signature is not valid" in run("audit", "verify")[1]


def test_a_key_is_private_and_never_replaced(tmp_path: Path, run: Run) -> None:
    private = Path(key(tmp_path))
    assert stat.S_IMODE(private.stat().st_mode) == 0o600
    before = private.read_bytes()
    code, said = run("audit", "keygen", str(private))
    assert (code, private.read_bytes()) == (ExitCode.USAGE, before)
    assert "exists already; keys are never replaced" in said
    assert "PRIVATE KEY" not in repr(load_signer(str(private)))


def test_a_file_that_is_no_key_is_an_error_that_names_the_setting(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(SettingsError, match=r"audit.signing_key_file: .*not an Ed25519 private key"):
        load_signer(str(file))
    with pytest.raises(SettingsError, match=r"audit.signing_key_file: cannot read"):
        load_signer(str(tmp_path / "none"))
    with pytest.raises(SettingsError, match=r"--public-key: .*is not a public key"):
        load_public_key(str(file))
    assert load_signer("") is None


SCRIPT = Path(__file__).parents[2] / "docs/check_proof.py"


def check(proof: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the script of the documentation, in an interpreter that has no s3mover."""
    file = folder / "proof.json"
    file.write_text(proof, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-P", str(SCRIPT), str(file), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.process
def test_a_proof_is_checked_without_s3mover(backend: Backend, run: Run, tmp_path: Path) -> None:
    """Its row, its path to the root, and the signature, by a script of forty lines."""
    private = key(tmp_path)
    seal_hash = sweep(backend, 1500, signer=load_signer(private))
    code, proof = run("audit", "prove", "in/1234")
    assert code == ExitCode.OK
    assert json.loads(proof)["row"]["file_key"] == "in/1234"
    done = check(proof, tmp_path, f"{private}.pub")
    assert (done.returncode, done.stdout) == (
        0,
        f"the row belongs to seal 1, which has the hash {seal_hash}\n",
    ), done.stderr
    assert check(proof.replace('"size_bytes":1000', '"size_bytes":1001'), tmp_path).returncode == 1
    assert check(proof.replace('"late\\":false', '"late\\":true'), tmp_path, f"{private}.pub").returncode == 1
    assert len(SCRIPT.read_text().splitlines()) <= 40


@pytest.mark.process
def test_a_row_that_was_settled_late_is_proven_by_its_amendment(
    backend: Backend, run: Run, tmp_path: Path
) -> None:
    """Its neighbours are still proven by the seal of the sweep."""
    sweep(backend, 3)
    with contextlib.closing(open_trail(backend.url)) as trail:
        assert trail.acquire_lease(PAIR)
        trail.resolve([moved(order(1, 2, "in/2"), at=AT + 90)])
    amended, neighbour = run("audit", "prove", "in/2")[1], run("audit", "prove", "in/3", "--sweep", "1")[1]
    assert check(amended, tmp_path).stdout.startswith("the row belongs to seal 2,")
    assert check(neighbour, tmp_path).stdout.startswith("the row belongs to seal 1,")
    assert check(amended.replace('"status":"success"', '"status":"error"'), tmp_path).returncode == 1


def test_what_cannot_be_proven_says_why(backend: Backend, run: Run) -> None:
    sweep(backend, 3)
    assert run("audit", "prove", "in/none") == (1, "no row of 'in/none' in a sealed sweep\n")
    assert "in sweep 7" in run("audit", "prove", "in/1", "--sweep", "7")[1]
    backend.query("DELETE FROM document_logs WHERE number = 2")
    code, said = run("audit", "prove", "in/1")
    assert (code, "row 1 of sweep 1 cannot be proven" in said) == (1, True)


Exported = list[dict[str, str | int | None]]


def read_jsonl(path: Path) -> Exported:
    return [json.loads(line) for line in path.read_text().splitlines()]


def read_csv(path: Path) -> Exported:
    with path.open(newline="") as file:
        return [
            {
                name: (int(value) if name in INTEGERS else value) if value else None
                for name, value in row.items()
            }
            for row in csv.DictReader(file)
        ]


def read_parquet(path: Path) -> Exported:
    rows: Exported = pq.read_table(path).to_pylist()
    return rows


@pytest.mark.parametrize(
    ("output", "read"), [("jsonl", read_jsonl), ("csv", read_csv), ("parquet", read_parquet)]
)
def test_every_row_is_exported_with_the_roots_beside_it(
    backend: Backend, run: Run, tmp_path: Path, output: str, read: Callable[[Path], Exported]
) -> None:
    """The root of each sweep can be computed from the file, and is the one that was sealed."""
    hashes = [sweep(backend, 3), sweep(backend, 0, AT + 60), sweep(backend, 2, AT + 120)]
    file = tmp_path / "rows"
    assert run("audit", "export", str(file), "--format", output)[0] == ExitCode.OK
    rows, manifest = read(file), json.loads((tmp_path / "rows.manifest.json").read_text())
    assert [(row["batch_id"], row["number"]) for row in rows] == [(1, 1), (1, 2), (1, 3), (3, 1), (3, 2)]
    for one in manifest["sweeps"]:
        tree = SweepTree()
        own = [canonical([row[name] for name in COLUMNS]) for row in rows if row["batch_id"] == one["sweep"]]
        tree.extend(leaves_of([(number_of(row), row) for row in own]))
        assert (one["rows"], one["root"]) == (tree.rows, tree.root())
    assert [one["seal"]["hash"] for one in manifest["sweeps"]] == [hashes[0], hashes[2]]
    assert manifest["rows"] == 5
    assert manifest["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()
    roots = backend.query("SELECT root FROM audit_seals WHERE row_count > 0 ORDER BY number")
    assert [(one["root"],) for one in manifest["sweeps"]] == roots


def test_an_export_can_be_narrowed_down_and_replaces_no_file(
    backend: Backend, run: Run, tmp_path: Path
) -> None:
    sweep(backend, 3)
    sweep(backend, 2, time.time() - 60)
    for name, options, count in (("a", ("--sweep", "1"), 3), ("b", ("--since", "1h"), 2)):
        run("audit", "export", str(tmp_path / name), *options)
        assert len(read_jsonl(tmp_path / name)) == count
    code, said = run("audit", "export", str(tmp_path / "a"))
    assert (code, "cannot be created: File exists" in said) == (ExitCode.USAGE, True)
    assert len(read_jsonl(tmp_path / "a")) == 3
