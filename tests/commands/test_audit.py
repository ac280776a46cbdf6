"""The `audit` commands, on an embedded trail."""

import contextlib
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from s3mover.audit.opening import open_trail
from s3mover.audit.sealing import Sealing, Signer
from s3mover.audit.signatures import load_public_key, load_signer
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
