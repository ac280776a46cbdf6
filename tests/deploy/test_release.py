"""What a release publishes, made in a clone of this repository with a tag, and the workflow that publishes it."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import helm_python
import pytest
import yaml

from s3mover import __version__
from testkit.waiting import TOO_LONG
from tests.deploy.container_engine import ORIGIN, ROOT

WORKFLOW = ROOT / ".github/workflows/release.yml"
TAG = f"v{__version__}"
LOCKED = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


class Clone:
    """A clone of what is committed here, with the notes of this version under today's heading."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        subprocess.run(["git", "clone", "--quiet", ROOT, folder], check=True)
        changes = (folder / "CHANGELOG.md").read_text("utf-8")
        heading = f"## {__version__} - 2026-01-02"
        dated = re.sub(rf"^## {re.escape(__version__)} .*$", heading, changes, flags=re.MULTILINE)
        self.write("CHANGELOG.md", dated)

    def write(self, name: str, text: str) -> None:
        """Change a file and commit it."""
        (self.folder / name).write_text(text, "utf-8")
        self.git("commit", "--quiet", "--all", "--allow-empty", "--message", "Change")

    def git(self, *arguments: str) -> None:
        """Run git in the clone."""
        identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
        subprocess.run(["git", *identity, *arguments], cwd=self.folder, check=True)

    def release(self, folder: Path, expect: int = 0) -> str:
        """Make the release and return what was said."""
        done = subprocess.run(
            [sys.executable, "deploy/release.py", folder],
            cwd=self.folder,
            env=os.environ | {"PYTHONPATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
            timeout=2 * TOO_LONG,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stderr


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Clone:
    """A clone at the tag of this version."""
    clone = Clone(tmp_path_factory.mktemp("release") / "clone")
    clone.git("tag", TAG)
    return clone


@pytest.fixture(scope="module")
def made(clone: Clone, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the release."""
    folder = tmp_path_factory.mktemp("dist")
    clone.release(folder)
    return folder


def test_everything_is_there_with_its_checksum(made: Path) -> None:
    """Wheel, chart, SBOM and notes; `sha256sum` finds each as it was made."""
    names = {path.name for path in made.iterdir()}
    assert names == {
        f"s3mover-{__version__}-py3-none-any.whl",
        f"s3mover-{__version__}.tgz",
        f"s3mover-{__version__}.cdx.json",
        "NOTES.md",
        "SHA256SUMS",
    }
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", "SHA256SUMS"],
        cwd=made,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.count(": OK\n") == len(names) - 1


def test_the_same_commit_makes_the_same_bytes(clone: Clone, made: Path, tmp_path: Path) -> None:
    """Whoever doubts a release can make it again; only the chart's archive has the time of its making."""
    clone.release(tmp_path)
    for name in (f"s3mover-{__version__}-py3-none-any.whl", f"s3mover-{__version__}.cdx.json", "NOTES.md"):
        assert (tmp_path / name).read_bytes() == (made / name).read_bytes(), name


def test_the_sbom_has_every_locked_package(made: Path) -> None:
    """With version and hashes, and with what s3mover itself requires; it names no other index than the public one."""
    text = (made / f"s3mover-{__version__}.cdx.json").read_text("utf-8")
    bom = json.loads(text)
    assert (bom["bomFormat"], bom["metadata"]["component"]["version"]) == ("CycloneDX", __version__)
    locks = (ROOT / "requirements.lock", ROOT / "requirements-scale.lock")
    locked = dict(LOCKED.findall("".join(lock.read_text("utf-8") for lock in locks)))
    assert {one["name"]: one["version"] for one in bom["components"]} == locked
    assert all(one["externalReferences"][0]["hashes"] for one in bom["components"])
    named = {one["bom-ref"]: one["name"] for one in bom["components"]}
    (root,) = (one for one in bom["dependencies"] if one["ref"] == bom["metadata"]["component"]["bom-ref"])
    assert {"boto3", "orjson", "pydantic"} <= {named[ref] for ref in root["dependsOn"]} < set(locked)
    places = re.findall(r'"url": "(https?://[^/"]+)', text)
    assert {place for place in places if not place.endswith(".readthedocs.io")} <= {
        "https://pypi.org",
        "https://github.com",
    }


def test_the_packed_chart_is_the_folder(made: Path) -> None:
    """It renders the same."""
    packed = helm_python.Chart.load_archive((made / f"s3mover-{__version__}.tgz").read_bytes())
    folder = helm_python.Chart.load(ROOT / "deploy/helm/s3mover")
    assert packed.version == __version__
    assert packed.render({}, name="a", namespace="b") == folder.render({}, name="a", namespace="b")


def test_the_wheel_is_the_package(made: Path) -> None:
    """With the schema that `schema apply` runs."""
    with zipfile.ZipFile(made / f"s3mover-{__version__}-py3-none-any.whl") as wheel:
        names = wheel.namelist()
    assert "s3mover/__main__.py" in names
    assert any(name.endswith("share/s3mover/schema/mysql/001_first_version.sql") for name in names)


def test_the_notes_are_those_of_the_version(made: Path) -> None:
    """Neither a later nor an earlier section of CHANGELOG.md."""
    notes = (made / "NOTES.md").read_text("utf-8")
    assert notes.strip() in (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert len(notes) > 100
    assert not re.search("^## ", notes, re.MULTILINE)


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    """Another tag, other versions, no notes, and changes that nobody can find again: all are named at once."""
    clone = Clone(tmp_path / "clone")
    clone.git("tag", "v9.9.9")
    for name in ("deploy/helm/s3mover/Chart.yaml", "Dockerfile", "CHANGELOG.md"):
        text = (clone.folder / name).read_text("utf-8")
        (clone.folder / name).write_text(text.replace(__version__, "9.9.9"), "utf-8")
    said = clone.release(tmp_path / "dist", expect=1)
    for part in (
        f"the tag must be {TAG}",
        "version of deploy/helm/s3mover/Chart.yaml is 9.9.9",
        "appVersion of deploy/helm/s3mover/Chart.yaml is 9.9.9",
        "ARG VERSION of the Dockerfile is 9.9.9",
        f"no section '## {__version__} - YYYY-MM-DD'",
        "changes are not committed",
    ):
        assert part in said
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        ([], "docker build "),
        (["ENGINE=podman"], "podman build "),
        (
            ["PLATFORMS=linux/amd64,linux/arm64"],
            "docker buildx build --platform linux/amd64,linux/arm64 --push ",
        ),
    ],
)
def test_the_image_is_built_with_its_origin(arguments: list[str], command: str) -> None:
    """For this architecture or for several, with every argument that becomes a label."""
    make = shutil.which("make")
    assert make
    done = subprocess.run(
        [make, "--no-print-directory", "--dry-run", "image", *arguments],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.startswith(command)
    told = dict(re.findall(r"--build-arg ([A-Z]+)=(\S+)", done.stdout))
    assert set(told) == {name.upper() for name in ORIGIN}
    assert told["VERSION"] == __version__
    assert re.fullmatch(r"[0-9a-f]{40}(-dirty)?", told["REVISION"])
    assert f"--tag s3mover:{__version__} ." in done.stdout


def test_the_workflow_publishes_a_tag_without_any_secret() -> None:
    """It runs for version tags only, with the run's own token, and with targets and files that are there."""
    text = WORKFLOW.read_text("utf-8")
    workflow: dict[Any, Any] = yaml.safe_load(text)
    # YAML 1.1 reads `on` as true.
    assert workflow[True] == {"push": {"tags": ["v*"]}}
    assert workflow["permissions"] == {"contents": "write", "packages": "write"}
    assert "secrets." not in text
    (job,) = workflow["jobs"].values()
    assert [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step] == ["actions/checkout"]
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    targets = re.findall(r"^(\S+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE)
    assert set(re.findall(r"\bmake (\w+)", commands)) == {"release", "image"} <= set(targets)
    subprocess.run(["bash", "-n"], input=commands, text=True, check=True)


def test_the_makefile_takes_the_source_from_the_project() -> None:
    """The address in the image's label is the one of pyproject.toml."""
    done = subprocess.run(["make", "-n", "image"], cwd=ROOT, check=True, capture_output=True, text=True)
    source = re.search(r'^Source = "(.+)"$', (ROOT / "pyproject.toml").read_text("utf-8"), re.MULTILINE)
    assert source
    assert f"SOURCE={source[1]} " in done.stdout
    assert f"ARG SOURCE={source[1]}\n" in (ROOT / "Dockerfile").read_text("utf-8")
