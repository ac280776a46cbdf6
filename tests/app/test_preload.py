"""Which modules the supervisor process imports, and which it must not."""

import subprocess
import sys

import pytest

LOADED = "import sys, s3mover.cli, s3mover.app.preload, {}; print(*{{name.partition('.')[0] for name in sys.modules}})"
# Those of the configuration process, the workers and the demo; those of some databases and terminals; slow ones.
FORBIDDEN = {
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
    ("module", "forbidden"),
    [
        ("s3mover.app.daemon", FORBIDDEN),
        ("s3mover.commands.sweep", FORBIDDEN | {"prometheus_client"}),
    ],
)
def test_the_supervisor_imports_only_what_it_uses(module: str, forbidden: set[str]) -> None:
    """Each import delays every start and stays in memory."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "s3mover" in loaded
    assert not loaded & forbidden
