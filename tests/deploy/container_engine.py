"""Builds images and runs containers with buildah and podman, in a temporary storage of their own.

Containers share this machine's network, so that they reach the servers that tests start on loopback ports.
"""

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from tests.deploy import base_image

ROOT = Path(__file__).parents[2]
# More than the 60 s of other waits: a build installs all packages. Less than pytest's time-out of these tests.
BUILD_SECONDS = 890.0
TOOLS = ("buildah", "podman", "runc")
# No service manager is asked, and limits are set to what a host without CAP_SYS_RESOURCE may give.
# Locks and what is known of running containers lie in the engine's own folder: another one on this machine, which a
# test in another checkout resets, would take them along.
CONTAINERS = """\
[containers]
default_ulimits = ["nofile=20000:20000", "nproc=30000:30000"]
netns = "host"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
lock_type = "file"
runtime = "runc"
tmp_dir = "{folder}/tmp"
"""
STORAGE = """\
[storage]
driver = "overlay"
graphroot = "{folder}/images"
runroot = "{folder}/run"
"""
BASE = "localhost/s3mover-base"
# What the image says of itself, as `make image` gives it.
ORIGIN = {
    "version": "1.2.3",
    "source": "https://git.example/s3mover",
    "revision": "0123456789abcdef0123456789abcdef01234567",
    "created": "2026-01-02T03:04:05Z",
}


class ContainerEngine:
    """Builds images and runs containers; made by `engine`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        settings = {
            "CONTAINERS_CONF": ("containers.conf", CONTAINERS.format(folder=folder)),
            "CONTAINERS_STORAGE_CONF": ("storage.conf", STORAGE.format(folder=folder)),
            "CONTAINERS_REGISTRIES_CONF": ("registries.conf", ""),
        }
        for name, text in settings.values():
            (folder / name).write_text(text)
        self.environment = {name: str(folder / file) for name, (file, _) in settings.items()}

    def call(self, *command: str | Path, expect: int | None = 0) -> str:
        """Run one of the tools to its end and return what it said."""
        done = subprocess.run(
            command,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        assert expect is None or done.returncode == expect, (
            f"{command}: {done.returncode}\n{done.stdout[-3000:]}"
        )
        return done.stdout

    def make_base(self) -> None:
        """Make the replacement of the base image."""
        root = self.folder / "root"
        base_image.make_root(root)
        container = self.call("buildah", "from", "--pull-never", "scratch").strip()
        self.call("buildah", "copy", "--quiet", container, root, "/")
        self.call(
            "buildah",
            "config",
            "--env",
            "PATH=/usr/local/bin:/usr/bin:/bin",
            "--env",
            "LANG=C.UTF-8",
            container,
        )
        self.call("buildah", "commit", "--quiet", container, BASE)
        self.call("buildah", "rm", container)
        shutil.rmtree(root)

    def build(self, target: str) -> str:
        """Build a target of the Dockerfile and return the image's name."""
        image = f"localhost/{target}:test"
        origin = [
            word for name, value in ORIGIN.items() for word in ("--build-arg", f"{name.upper()}={value}")
        ]
        build = ["buildah", "bud", "--isolation", "chroot", "--pull-never", "--format", "docker", "--layers"]
        self.call(
            *build, *origin, "--build-arg", f"BASE_IMAGE={BASE}", "--target", target, "--tag", image, ROOT
        )
        return image

    def inspect(self, image: str) -> dict[str, Any]:
        """Return what an image says of itself."""
        found: dict[str, Any] = json.loads(self.call("podman", "image", "inspect", image))[0]
        return found

    def run(
        self, image: str, *arguments: str | Path, options: tuple[str, ...] = (), expect: int | None = 0
    ) -> str:
        """Run a container to its end, without any privilege, and return what it said."""
        return self.call(
            "podman", "run", "--rm", "--no-healthcheck", *HARDENED, *options, image, *arguments, expect=expect
        )

    @contextlib.contextmanager
    def started(
        self, image: str, *arguments: str, settings: Mapping[str, str], options: tuple[str, ...] = ()
    ) -> Iterator["Container"]:
        """Start a container in the background, without any privilege, and leave nothing of it behind."""
        environment = [f"--env={name}={value}" for name, value in settings.items()]
        said = self.call("podman", "run", "--detach", *HARDENED, *environment, *options, image, *arguments)
        # Without a service manager podman says that it starts no timer for the health check, then the container's id.
        container = Container(self, said.split()[-1])
        try:
            yield container
        finally:
            self.call("podman", "rm", "--force", "--time", "0", "--volumes", container.id, expect=None)


HARDENED = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges")


class Container:
    """One container that was started."""

    def __init__(self, engine: ContainerEngine, identity: str) -> None:
        self._engine = engine
        self.id = identity

    def await_event(
        self, name: str, matches: Callable[[dict[str, Any]], bool] = lambda _: True
    ) -> dict[str, Any]:
        """Read the log from its beginning until an event is called `name` and matches; fails where it ends before."""

        def event(line: str) -> dict[str, Any]:
            told: dict[str, Any] = json.loads(line) if line.startswith("{") else {"event": ""}
            return told

        found = self.await_line(lambda line: event(line)["event"] == name and matches(event(line)))
        return event(found)

    def await_line(self, matches: Callable[[str], bool]) -> str:
        """Read the log from its beginning to the first line that matches; fails where it ends before."""
        with subprocess.Popen(
            ["podman", "logs", "--follow", self.id],
            env=os.environ | self._engine.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as logs:
            try:
                lines = []
                for line in logs.stdout or ():
                    if matches(line):
                        return line
                    lines.append(line)
            finally:
                logs.kill()
        raise AssertionError(f"the container ended before: {lines[-5:]}")

    def run(self, *command: str, expect: int | None = 0) -> str:
        """Run a command inside."""
        return self._engine.call("podman", "exec", self.id, *command, expect=expect)

    def first_process(self) -> int:
        """Return the process id, on this machine, of the first process."""
        return int(self._engine.call("podman", "inspect", "--format", "{{.State.Pid}}", self.id))

    def signal(self, name: str) -> None:
        """Send a signal to the first process, and to it alone."""
        self._engine.call("podman", "kill", f"--signal={name}", self.id)

    def end(self) -> int:
        """Wait for the end and return the exit code."""
        return int(self._engine.call("podman", "wait", self.id).split()[-1])

    def healthy(self) -> str:
        """Run the image's health check once, as an engine does every so often; fails where it fails."""
        return self._engine.call("podman", "healthcheck", "run", self.id)


def missing() -> str:
    """Say in one line what these tests need and do not find; nothing where they can run."""
    absent = [tool for tool in TOOLS if shutil.which(tool) is None]
    if absent:
        return f"the image cannot be built here: {', '.join(absent)} missing; .ci/install-test-servers installs them"
    return "" if os.geteuid() == 0 else "the image cannot be built here: buildah and podman need root"


@contextlib.contextmanager
def engine() -> Iterator[ContainerEngine]:
    """Provide an engine with an empty storage, and remove it at the end."""
    # Not below /tmp, which may be memory.
    folder = Path(tempfile.mkdtemp(prefix="s3mover-images-", dir="/var/tmp"))
    made = ContainerEngine(folder)
    try:
        yield made
    finally:
        made.call("podman", "system", "reset", "--force", expect=None)
        shutil.rmtree(folder, ignore_errors=True)
