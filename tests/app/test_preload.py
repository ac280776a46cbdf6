"""What is loaded before the work begins, and what is not."""

import subprocess
import sys

import pytest

LOADED = "import sys, s3mover.cli, s3mover.app.preload, {}; print(*{{name.partition('.')[0] for name in sys.modules}})"
# The clerk's, the workers', the demo's, what only some databases and terminals need, and what costs much for little.
ELSEWHERE = {
    "pydantic",
    "pydantic_core",
    "yaml",
    "boto3",
    "botocore",
    "awscrt",
    "moto",
    "mysql",
    "rich",
    "asyncio",
}


@pytest.mark.process
@pytest.mark.parametrize(
    ("module", "elsewhere"),
    [
        ("s3mover.app.daemon", ELSEWHERE),
        ("s3mover.commands.sweep", ELSEWHERE | {"prometheus_client"}),
    ],
)
def test_the_supervisor_loads_only_what_it_uses(module: str, elsewhere: set[str]) -> None:
    """Whatever it loads stays in memory for as long as it lives, and has to be waited for at every start."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "s3mover" in loaded
    assert not loaded & elsewhere
