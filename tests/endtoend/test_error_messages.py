"""What s3mover says when it cannot work: every problem at once, the right exit code, no trace, in good time."""

from pathlib import Path

import pytest

from testkit.program import run_program
from testkit.world import World

BUCKETS = {"SRC_BUCKET": "company-documents", "DST_BUCKET": "company-documents-copy"}
KEYS = {
    "SRC_ACCESS_KEY": "AKIASOURCE",
    "SRC_SECRET_KEY": "secret-of-the-source",
    "DST_ACCESS_KEY": "AKIADESTINATION",
    "DST_SECRET_KEY": "secret-of-the-destination",
}
NOWHERE = {"SRC_ENDPOINT_URL": "http://127.0.0.1:9", "DST_ENDPOINT_URL": "http://127.0.0.1:9"}


@pytest.mark.parametrize("command", ["run", "sweep", "check", "verify"])
def test_all_wrong_settings_are_named_at_once(command: str, tmp_path: Path) -> None:
    """Unknown key, unparsable size, bad DSN and missing bucket: one run tells all of them, with exit code 2."""
    (tmp_path / "config.yaml").write_text(
        "transfer:\n  part_size: 64 apples\n  thread: 3\naudit:\n  url: mysql//x\n", encoding="utf-8"
    )
    done = run_program([command], {"SRC_BUCKET": "company-documents"}, tmp_path, expect=2)
    for name in (
        "transfer.part_size",
        "transfer.thread",
        "transfer.threads",
        "audit.url",
        "destination.bucket",
    ):
        assert name in done.stderr
    assert "64 apples" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    "prefixes", [{}, {"DST_PREFIX": "copy/"}, {"SRC_PREFIX": "a/", "DST_PREFIX": "a/b/"}]
)
def test_a_bucket_is_never_moved_onto_itself(prefixes: dict[str, str], tmp_path: Path) -> None:
    """Source = destination, overlapping prefixes included, is refused before anything is touched."""
    settings = {"SRC_BUCKET": "company-documents", "DST_BUCKET": "company-documents", **KEYS, **prefixes}
    done = run_program(["sweep"], settings, tmp_path, expect=2)
    assert "source" in done.stderr
    assert "destination" in done.stderr
    assert not (tmp_path / "s3mover.db").exists()


@pytest.mark.parametrize("command", ["run", "sweep", "verify"])
def test_an_unreachable_endpoint_is_one_sentence(command: str, tmp_path: Path) -> None:
    """A bucket that does not answer ends the program with exit code 3, its name and no trace."""
    done = run_program([command], {**BUCKETS, **KEYS, **NOWHERE}, tmp_path, expect=3)
    assert "Traceback" not in done.stdout + done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert "company-documents" in done.stderr


@pytest.mark.parametrize("command", ["sweep", "report", "schema apply"])
def test_an_unreachable_database_is_one_sentence(command: str, tmp_path: Path) -> None:
    """A database that does not answer ends a command with exit code 3; the password is not said."""
    settings = {**BUCKETS, **KEYS, **NOWHERE, "MYSQL_DSN": "mover:pa55word@tcp(127.0.0.1:9)/audit"}
    done = run_program(command.split(), settings, tmp_path, expect=3)
    assert "Traceback" not in done.stdout + done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert "pa55word" not in done.stdout + done.stderr


def test_a_refused_signature_is_one_sentence(world: World, tmp_path: Path) -> None:
    """Wrong credentials end with exit code 3 and S3's own code; the secret is not said."""
    settings = {**world.environment, "SRC_SECRET_KEY": "not-the-right-secret"}
    done = run_program(["sweep"], settings, tmp_path, expect=3)
    assert "SignatureDoesNotMatch" in done.stderr
    assert "not-the-right-secret" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["sweep", "--nonsense"], ["--set", "x", "sweep"], ["--config"]]
)
def test_bad_usage_is_exit_code_2(arguments: list[str], tmp_path: Path) -> None:
    """What the command line cannot read is said with the usage."""
    done = run_program(arguments, BUCKETS, tmp_path, expect=2)
    assert "Error" in done.stderr


def test_a_named_file_must_exist(tmp_path: Path) -> None:
    """A configuration file that was named and is not there is a problem; the default one may be missing."""
    done = run_program(["--config", "nowhere.yaml", "sweep"], BUCKETS, tmp_path, expect=2)
    assert "nowhere.yaml" in done.stderr


def test_help_and_version_need_no_settings(tmp_path: Path) -> None:
    """`--help` everywhere and `--version` work anywhere."""
    assert "s3mover" in run_program(["--version"], {}, tmp_path).stdout
    commands = ["", "run", "sweep", "check", "policy", "report", "verify", "schema apply", "demo"]
    for command in commands:
        assert "--help" in run_program([*command.split(), "--help"], {}, tmp_path).stdout
