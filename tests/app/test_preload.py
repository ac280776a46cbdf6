"""Which modules the supervisor and the workers import at their start, and which they must not."""

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
    "cryptography",
    "pyarrow",
}


@pytest.mark.process
@pytest.mark.parametrize(
    ("module", "forbidden"),
    [
        ("s3mover.app.daemon", FORBIDDEN),
        ("s3mover.commands.sweep", FORBIDDEN | {"prometheus_client"}),
        ("s3mover.workers.process.worker", FORBIDDEN | {"prometheus_client", "structlog"}),
    ],
)
def test_a_process_imports_only_what_it_uses(module: str, forbidden: set[str]) -> None:
    """Each import delays every start and stays in memory."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(module)], capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.split())
    assert "s3mover" in loaded
    assert not loaded & forbidden


NAMES = "import sys, s3mover.cli, s3mover.app.preload, {}; print(*sys.modules)"


@pytest.mark.process
def test_nothing_of_the_events_of_the_source_is_imported_where_they_are_not_received() -> None:
    """And where they are, boto3 stays in the process that receives."""

    def loaded(module: str) -> set[str]:
        command = [sys.executable, "-c", NAMES.format(module)]
        return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())

    without = loaded("s3mover.app.daemon")
    of_events = ("s3mover.notifications", "s3mover.sweep.events", "s3mover.app.route_events")
    assert [name for name in without if name.startswith(of_events)] == []
    beside = loaded("s3mover.app.daemon, s3mover.app.route_events")
    assert "s3mover.sweep.events.loop" in beside
    assert not {"botocore", "s3mover.notifications.sqs", "s3mover.notifications.parsing"} & beside


@pytest.mark.process
def test_nothing_that_makes_seals_is_imported_before_a_sweep_ends() -> None:
    """Nor what signs or anchors them, unless the settings say so: a start does not wait for it."""
    command = [sys.executable, "-c", NAMES.format("s3mover.app.daemon")]
    loaded = set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())
    late = ("sealing", "seals", "merkle", "sweep_tree", "canonical_reader", "seal_reader", "signatures")
    assert not {*(f"s3mover.audit.{name}" for name in late), "s3mover.app.anchor"} & loaded
