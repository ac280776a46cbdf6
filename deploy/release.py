"""Makes what a release publishes beside the image: wheel, chart, SBOM, notes and checksums.

`release.py FOLDER [TAG]`; TAG is the tag of HEAD by default. It refuses a tag that does not fit the versions in the
files, a version without notes in CHANGELOG.md, and changes that are not committed. It needs no secret and sends
nothing; the workflow `.github/workflows/release.yml` publishes what it made.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import helm_python
import yaml

from s3mover import __version__

ROOT = Path(__file__).resolve().parents[1]
# What the image installs.
LOCKS = ("requirements.lock", "requirements-scale.lock")
CHART = ROOT / "deploy/helm/s3mover"
# The wheel's files get the time of the commit, so that the same commit gives the same bytes.
EPOCH = "SOURCE_DATE_EPOCH"


def main(folder: Path, tag: str) -> None:
    """Write everything to `folder`, or exit with 2 and say what stands against it."""
    if found := list(problems(tag)):
        sys.exit("release: " + "\n".join(found))
    folder.mkdir(parents=True, exist_ok=True)
    environment = os.environ | {EPOCH: _output("git", "log", "-1", "--format=%ct")}
    wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*wheel, "--wheel-dir", folder, ROOT], check=True, env=environment)
    helm_python.package(CHART, destination=folder)
    write_sbom(folder / f"s3mover-{__version__}.cdx.json")
    (folder / "NOTES.md").write_text(notes() + "\n", "utf-8")
    write_checksums(folder)


def problems(tag: str) -> Iterator[str]:
    """Yield what stands against the release."""
    if tag != f"v{__version__}":
        tagged = tag or "missing"
        yield f"the tag is {tagged}, but s3mover/__init__.py says {__version__}: the tag must be v{__version__}"
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    versions = {
        "version of deploy/helm/s3mover/Chart.yaml": chart["version"],
        "appVersion of deploy/helm/s3mover/Chart.yaml": chart["appVersion"],
        "ARG VERSION of the Dockerfile": _argument("VERSION"),
    }
    yield from (
        f"{name} is {version}, not {__version__}"
        for name, version in versions.items()
        if version != __version__
    )
    if not notes():
        yield f"CHANGELOG.md has no section '## {__version__} - YYYY-MM-DD' with notes"
    if changed := _output("git", "status", "--porcelain"):
        yield f"changes are not committed:\n{changed}"


def notes() -> str:
    """Return the notes of this version, empty if CHANGELOG.md has none with a date."""
    heading = rf"^## {re.escape(__version__)} - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## |\Z)"
    section = re.search(heading, (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return section[1].strip() if section else ""


def write_sbom(file: Path) -> None:
    """Write the software bill of materials (CycloneDX): every package of the image with version and hashes."""
    options = ["--pyproject", f"{ROOT}/pyproject.toml", "--output-reproducible", "--output-file", str(file)]
    # Not the index of this machine.
    index = ["--index-url", "https://pypi.org/simple"]
    tool = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements"]
    locked = "".join((ROOT / lock).read_text("utf-8") for lock in LOCKS)
    subprocess.run([*tool, *index, *options, "-"], input=locked, text=True, check=True)
    bom = json.loads(file.read_text("utf-8"))
    # pyproject.toml has no version: it is that of the package.
    bom["metadata"]["component"]["version"] = __version__
    _connect(bom)
    file.write_text(json.dumps(bom, indent=2) + "\n", "utf-8")


def _connect(bom: dict[str, list[dict[str, object]]]) -> None:
    """Say which packages s3mover itself requires."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    required = {re.split(r"[<>=!~\[; ]", name)[0].lower() for name in project["dependencies"]}
    direct = [one["bom-ref"] for one in bom["components"] if one["name"] in required]
    root = [one for one in bom["dependencies"] if one["ref"] == "root-component"]
    bom["dependencies"] = [one for one in bom["dependencies"] if one not in root]
    bom["dependencies"].append({"ref": "root-component", "dependsOn": direct})


def write_checksums(folder: Path) -> None:
    """Write SHA256SUMS, which `sha256sum --check` reads."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), "ascii")


def _argument(name: str) -> str:
    found = re.search(rf"^ARG {name}=(\S+)$", (ROOT / "Dockerfile").read_text("utf-8"), re.MULTILINE)
    return found[1] if found else ""


def _output(*command: str) -> str:
    return subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    main(
        Path(sys.argv[1]),
        (sys.argv[2:] or [_output("git", "describe", "--exact-match", "--tags", "HEAD")])[0],
    )
