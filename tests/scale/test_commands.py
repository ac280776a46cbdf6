"""The commands of scaling out, and that nothing of Dask is loaded without need."""

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from testkit.program import environment, run_program
from tests.scale.members import Members

pytestmark = pytest.mark.process

FILES = [f"{role}.{kind}" for role in ("scheduler", "supervisor", "worker") for kind in ("crt", "key")]


def test_certificates_writes_an_identity_for_each_role_and_keys_that_only_their_owner_reads(
    tmp_path: Path,
) -> None:
    done = run_program(["certificates", "tls/new"], {}, tmp_path)
    folder = tmp_path / "tls" / "new"
    assert sorted(path.name for path in folder.iterdir()) == sorted(["ca.crt", *FILES])
    assert done.stdout.splitlines()[:-1] == [f"tls/new/{path}" for path in ["ca.crt", *_in_order()]]
    for path in folder.glob("*.key"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def _in_order() -> list[str]:
    return [f"{role}.{kind}" for role in ("scheduler", "worker", "supervisor") for kind in ("crt", "key")]


def test_certificates_never_replaces_a_file(tmp_path: Path) -> None:
    (tmp_path / "worker.key").write_text("precious")
    refused = run_program(["certificates", "."], {}, tmp_path, expect=2)
    assert "DIR: cannot write worker.key: File exists" in refused.stderr
    assert (tmp_path / "worker.key").read_text() == "precious"


@pytest.mark.parametrize("arguments", [["scheduler"], ["certificates", "new"]])
def test_without_the_extra_its_commands_name_it(arguments: list[str], tmp_path: Path) -> None:
    """A module that is None in `sys.modules` is not installed, as far as imports go."""
    hidden = tmp_path / "hidden"
    hidden.mkdir()
    (hidden / "sitecustomize.py").write_text(
        "import sys\nsys.modules.update(dict.fromkeys(('distributed', 'dask', 'cryptography')))\n"
    )
    settings = {"PYTHONPATH": str(hidden), "S3MOVER_CONFIG": "/dev/null"}
    refused = run_program(arguments, settings, tmp_path, expect=2)
    assert "pip install 's3mover[scale]'" in refused.stderr


def test_a_scheduler_says_which_port_it_cannot_have(members: Members, port: int) -> None:
    members.scheduler()
    second = members.scheduler()
    assert second.process.wait() == 2
    assert f"cannot listen on 127.0.0.1 port {port}" in second.tail()


def test_dask_is_not_loaded_unless_it_is_needed(tmp_path: Path) -> None:
    """Neither by the modules that a daemon imports, nor by those of scale that all may import."""
    code = (
        "import sys, s3mover.app.daemon, s3mover.commands.check, s3mover.commands.sweep, s3mover.app.machine_process\n"
        "import s3mover.scale.tasks, s3mover.scale.messages, s3mover.scale.extra, s3mover.scale.range_runner\n"
        "print(*sorted({'dask', 'distributed', 'tornado', 'cryptography'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment({}),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "\n"
