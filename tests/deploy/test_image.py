"""The image, built and run for real: without a privilege, with a root that cannot be written, as whatever user."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import botocore
import pytest

from deploy.image.trim import SERVICES
from testkit.mariadb import Account, MariaDb
from testkit.waiting import wait_until
from testkit.world import DESTINATION, SOURCE, World
from tests.deploy.container_engine import ORIGIN, ROOT, Container, ContainerEngine

# Building the images takes longer than other tests may.
pytestmark = pytest.mark.timeout(900)
# Nobody's number, in the group that OpenShift gives to every container.
SOMEBODY = ("--user=54321:0",)
ALLOWED_BYTES = 150_000_000
PROCESS_STATES = """\
from pathlib import Path
print([stat.read_text().rpartition(")")[2].split()[0] for stat in Path("/proc").glob("[0-9]*/stat")])
"""
BUILDERS = """\
from importlib.util import find_spec
names = ("pip", "ensurepip", "setuptools", "wheel", "moto", "pytest", "mypy")
print([name for name in names if find_spec(name)])
"""
INSTALLERS = """\
from pathlib import Path
folders = [Path("/usr"), Path("/opt")]
found = [path for folder in folders for path in folder.rglob("pip*")]
print([str(path) for path in found if path.name.rstrip("0123456789.") in ("pip", "pip.py") or "pip-" in path.name])
"""
COMPILED = "import json, s3mover.cli; print(s3mover.cli.__cached__, json.__cached__)"


class Place(NamedTuple):
    """Where a daemon in a container works: the database, and the port that it serves at."""

    trail: Account
    settings: dict[str, str]
    options: tuple[str, ...]


@pytest.fixture
def place(world: World, mariadb: MariaDb, port: int, tmp_path: Path) -> Place:
    """Settings as a container gets them: the password in a mounted file, the rest in the environment."""
    trail = mariadb.database()
    secret = tmp_path / "dsn"
    secret.write_text(trail.go_dsn + "\n")
    secret.chmod(stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH)
    settings = {
        **world.environment,
        "MYSQL_DSN_FILE": "/run/secrets/dsn",
        "AWS_EC2_METADATA_DISABLED": "true",
        "S3MOVER_HTTP__HOST": "127.0.0.1",
        "S3MOVER_HTTP__PORT": str(port),
        "S3MOVER_SWEEP__INTERVAL": "200ms",
        "S3MOVER_STOP__GRACE": "1h",
        "S3MOVER_TRANSFER__PROCESSES": "2",
    }
    return Place(trail, settings, (*SOMEBODY, f"--volume={secret}:/run/secrets/dsn:ro"))


@pytest.fixture
def daemon(containers: ContainerEngine, image: str, place: Place) -> Iterator[Container]:
    """The daemon in a container, as an unknown user id."""
    with containers.started(image, settings=place.settings, options=place.options) as running:
        yield running


def test_it_moves_a_bucket_and_stops_in_good_order(world: World, place: Place, daemon: Container) -> None:
    """With a read-only root, no capability and an unknown user; the health check agrees; SIGTERM ends it with 0."""
    world.s3.fill(SOURCE, 40, size=1000)
    daemon.await_event("sweep.finished", lambda event: event["succeeded"] == 40)
    daemon.healthy()
    assert "transfer_summary_" in daemon.run("ls", "logs")
    assert daemon.run("id", "-u").strip() == "54321"
    daemon.run("touch", "/opt/s3mover/anything", expect=1)
    daemon.signal("TERM")
    assert daemon.end() == 0
    daemon.await_event("daemon.stopped")
    assert world.s3.differences(SOURCE, DESTINATION) == []
    assert place.trail.query("SELECT COUNT(*) FROM document_logs WHERE status = 'success'") == [(40,)]


def test_a_second_signal_ends_it_at_once(world: World, daemon: Container) -> None:
    """Also as the first process of a container, which the kernel spares what is not handled."""
    world.s3.add_fault("hang", operation="CopyObject")
    world.s3.fill(SOURCE, 10)
    wait_until(world.s3.hits, "a copy hangs")
    daemon.signal("TERM")
    daemon.await_event("daemon.stopping")
    daemon.signal("TERM")
    assert daemon.end() == 128 + 15


def test_a_signal_that_no_command_handles_is_heard(
    containers: ContainerEngine, image: str, tmp_path: Path
) -> None:
    """SIGTERM ends also a command that is no daemon: here one that waits for credentials that never come."""
    never = tmp_path / "aws"
    never.write_text("[profile a]\ncredential_process = sleep 600\n")
    never.chmod(0o644)
    options = (*SOMEBODY, f"--volume={never}:/etc/aws:ro")
    settings = {
        "AWS_CONFIG_FILE": "/etc/aws",
        "SRC_PROFILE": "a",
        "SRC_BUCKET": "a-bucket",
        "DST_BUCKET": "another",
    }
    with containers.started(image, "check", settings=settings, options=options) as waiting:
        first = waiting.first_process()
        children = Path(f"/proc/{first}/task/{first}/children")
        wait_until(
            children.read_text, "the first process has the program for a child, and forwards signals to it"
        )
        waiting.signal("TERM")
        assert waiting.end() == 128 + 15


def test_a_dead_worker_is_buried(world: World, daemon: Container) -> None:
    """A worker that was killed is replaced; neither it nor orphans of other commands stay as zombies."""
    daemon.run("sh", "-c", "sh -c 'exit 5' & exit 0")
    pid = daemon.await_event("worker.started")["pid"]
    daemon.run("python3", "-c", f"import os; os.kill({pid}, 9)")
    daemon.await_event("worker.died")
    world.s3.put_object(SOURCE, "after", b"1")
    daemon.await_event("object.moved", lambda event: event["key"] == "after")
    wait_until(
        lambda: "Z" not in daemon.run("python3", "-c", PROCESS_STATES), "the first process has reaped all"
    )


def test_the_health_check_fails_where_nobody_answers(
    containers: ContainerEngine, image: str, port: int
) -> None:
    """Where the settings are wrong, or nothing listens, the check fails and says why."""
    check = ("--entrypoint=s3mover-healthcheck",)
    nowhere = f"--env=S3MOVER_HTTP__PORT={port}"
    assert "no answer" in containers.run(image, options=(*check, nowhere), expect=1)
    assert "http.port" in containers.run(image, options=(*check, "--env=S3MOVER_HTTP__PORT=many"), expect=1)


def test_it_sweeps_once_with_the_embedded_trail(
    containers: ContainerEngine, image: str, world: World
) -> None:
    """Without any volume of its own, the folder that the image declares is one: SQLite and the summaries lie there."""
    world.s3.fill(SOURCE, 5, size=10)
    settings = tuple(f"--env={name}={value}" for name, value in world.environment.items())
    containers.run(image, "sweep", options=(*SOMEBODY, *settings))
    assert world.s3.differences(SOURCE, DESTINATION) == []


def test_nothing_is_in_it_that_only_building_needs(containers: ContainerEngine, image: str) -> None:
    """No installer, also not of the base; no test; what is compiled is compiled already; and it is small."""
    for python in ("python3", "/usr/local/bin/python3"):
        assert containers.run(image, "-c", BUILDERS, options=(f"--entrypoint={python}",)).strip() == "[]"
    installers = containers.run(image, "-c", INSTALLERS, options=("--entrypoint=python3",))
    assert installers.strip() == "[]"
    told = containers.run(image, "-c", COMPILED, options=("--entrypoint=python3",)).split()
    assert all(path.startswith("/opt/s3mover/compiled/") for path in told)
    containers.run(image, *told, options=("--entrypoint=ls",))
    size = containers.inspect(image)["Size"] - containers.inspect("localhost/s3mover-base")["Size"]
    assert size < ALLOWED_BYTES, f"{size} bytes beside the base"


def test_it_says_how_it_is_run(containers: ContainerEngine, image: str) -> None:
    """A number for a user, so that Kubernetes sees that it is not root; signal, port, volume, and where it is from."""
    told = containers.inspect(image)
    config = told["Config"]
    assert config["User"] == "10001:0"
    assert config["StopSignal"] == "SIGTERM"
    assert list(config["ExposedPorts"]) == ["8080/tcp"]
    assert list(config["Volumes"]) == ["/var/lib/s3mover"]
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    assert {name: labels[name] for name in ORIGIN} == ORIGIN
    assert labels["title"] == "s3mover"
    assert told["Healthcheck"]["Test"] == ["CMD", "s3mover-healthcheck"]


def test_trimming_leaves_what_the_credential_chain_calls() -> None:
    """What botocore calls by itself for credentials keeps its description."""
    sources = [
        Path(botocore.__file__).with_name(name) for name in ("credentials.py", "tokens.py", "utils.py")
    ]
    creating = (
        r"""(?:create_nested_client|_?client_creator|create_client)\(\s*(?:[\w.]+,\s*)?['"]([a-z0-9-]+)['"]"""
    )
    called = {name for source in sources for name in re.findall(creating, source.read_text("utf-8"))}
    assert {"sso", "sso-oidc", "sts"} <= called
    assert called | {"s3", "sqs"} <= SERVICES


def test_the_demo_keeps_a_daemon_busy(
    containers: ContainerEngine, image: str, demo_image: str, port: int, tmp_path: Path
) -> None:
    """As in docker-compose.demo.yml: what `prepare` and `demo` leave in the volume leads the daemon to documents."""
    tmp_path.chmod(0o755)  # readable for every user id
    endpoint = f"http://localhost:{port}"
    shared = f"--volume={tmp_path}:/run/s3mover"
    scripts = (
        f"--volume={ROOT / 'deploy/compose/prepare.py'}:/prepare.py:ro",
        f"--volume={ROOT / 'config.yaml'}:/config.yaml:ro",
    )
    prepare = ("--entrypoint=python3", "--user=0:0", shared, *scripts)
    containers.run(image, "/prepare.py", "/config.yaml", "/run/s3mover", options=prepare)
    settings = {
        "S3MOVER_CONFIG": "/run/s3mover/config.yaml",
        "S3MOVER_HTTP__PORT": "0",
        "S3MOVER_SWEEP__INTERVAL": "1s",
    }
    serve = ("--user=0:0", "--tmpfs=/tmp", shared)
    with containers.started(demo_image, "/run/s3mover", endpoint, settings={}, options=serve) as demo:
        demo.await_line(lambda line: "documents are in" in line)
        with containers.started(image, settings=settings, options=(shared,)) as daemon:
            daemon.await_event("sweep.finished", lambda event: event["succeeded"] >= 676)
            daemon.await_event("sweep.finished", lambda event: event["sweep"] > 1 and event["succeeded"] > 0)
            daemon.signal("TERM")
            assert daemon.end() == 0
        demo.signal("TERM")
        assert demo.end() == 0
