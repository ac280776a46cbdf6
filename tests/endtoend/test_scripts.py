"""The shell scripts beside the program: thin, and never fooled by a key."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.program import environment, run_program
from testkit.waiting import TOO_LONG
from testkit.world import DESTINATION, SOURCE, World

ROOT = Path(__file__).parents[2]
CHECK_SETUP = ROOT / "check-setup.sh"
LARGE_FILES = ROOT / "deploy" / "transfer-large-files.sh"
GIB = 2**30
HOSTILE = 'big/$(touch pwned) `touch pwned`; "touch pwned"\n,EntityTooLarge, é.bin'


def run_script(script: Path, arguments: list[str], world: World, folder: Path, expect: int) -> str:
    """Run a script in `folder` with this environment's s3mover, and return what it said."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        [script, *arguments],
        cwd=folder,
        env=environment({**world.environment, "PATH": path}),
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
        check=False,
    )
    assert done.returncode == expect, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("script", [CHECK_SETUP, LARGE_FILES], ids=lambda script: script.name)
def test_a_script_is_sound(script: Path) -> None:
    """Executable, and without complaint from shellcheck, or at least from bash where that is not there."""
    assert os.access(script, os.X_OK)
    judge = ["shellcheck"] if shutil.which("shellcheck") else ["bash", "-n"]
    subprocess.run([*judge, script], check=True, timeout=TOO_LONG)


def test_large_files_that_were_reported_are_moved(world: World, tmp_path: Path) -> None:
    """What an earlier sweep recorded as too large is named, then moved; its key is never run as a command."""
    world.s3.put_object(SOURCE, HOSTILE, size=6 * GIB)
    world.s3.put_object(SOURCE, "small", b"s")
    reporting = {**world.environment, "S3MOVER_TRANSFER__LARGE_OBJECTS": "report"}
    run_script(LARGE_FILES, [], world, tmp_path, 3)  # there is no trail yet
    run_program(["schema", "apply"], {}, tmp_path)
    assert "No object" in run_script(LARGE_FILES, [], world, tmp_path, 0)
    run_program(["sweep"], reporting, tmp_path, expect=1)
    assert world.s3.count(DESTINATION) == 1

    named = run_script(LARGE_FILES, ["--dry-run"], world, tmp_path, 0)
    assert repr(HOSTILE) in named
    assert "1 to transfer" in named
    assert world.s3.count(DESTINATION) == 1

    run_script(LARGE_FILES, ["--set", "transfer.part_size=1GiB"], world, tmp_path, 0)
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert world.s3.counts(DESTINATION)["UploadPartCopy"] == 6
    assert not (tmp_path / "pwned").exists()


def test_the_setup_is_checked_by_one_word(world: World, tmp_path: Path) -> None:
    """With check's lines, options and exit codes."""
    world.s3.put_object(SOURCE, "a", b"a")
    assert "✅ destination: write" in run_script(CHECK_SETUP, [], world, tmp_path, 0)
    world.s3.add_fault("access_denied", operation="PutObject", bucket=DESTINATION)
    assert '"failed"' in run_script(CHECK_SETUP, ["--json"], world, tmp_path, 3)


def checked_in(folder: Path, **tools: str) -> subprocess.CompletedProcess[str]:
    """Run the script of a folder that has no virtual environment, with a PATH of these programs only."""
    shutil.copy(CHECK_SETUP, folder)
    (folder / "s3mover").mkdir(exist_ok=True)
    (programs := folder / "programs").mkdir()
    for name in ("bash", "dirname", "env"):
        (programs / name).symlink_to(shutil.which(name) or name)
    for name, script in tools.items():
        (programs / name).write_text(f"#!/bin/sh\n{script}\n")
        (programs / name).chmod(0o755)
    return subprocess.run(
        ["./check-setup.sh", "--json"],
        cwd=folder,
        # An empty entry stands for the working directory, which has the package s3mover.
        env={"PATH": f":{programs}"},
        capture_output=True,
        text=True,
        timeout=TOO_LONG,
        check=False,
    )


def test_without_an_environment_the_setup_is_checked_by_what_is_installed(tmp_path: Path) -> None:
    """The folder of the package is not taken for the program."""
    done = checked_in(tmp_path, s3mover='echo "installed $@"; exit 3', docker="exit 1")
    assert (done.returncode, done.stdout, done.stderr) == (3, "installed check --json\n", "")


def test_without_s3mover_the_setup_is_checked_in_its_container(tmp_path: Path) -> None:
    """With the options that were given, and its exit code."""
    done = checked_in(tmp_path, docker='echo "docker $@"; exit 3')
    command = f"docker compose --project-directory {tmp_path} run --rm s3-mover check --json\n"
    assert (done.returncode, done.stdout, done.stderr) == (3, command, "")


def test_with_neither_the_setup_says_what_to_install(tmp_path: Path) -> None:
    """In one line."""
    done = checked_in(tmp_path)
    assert done.returncode == 2
    assert done.stderr.startswith(
        "check-setup: s3mover is not installed, and neither is Docker; run 'make setup'"
    )
