"""The Dockerfile as a document: any builder can build it, BuildKit or not."""

import re
import subprocess
import sys
import tomllib

import pytest

from tests.deploy.container_engine import ORIGIN, ROOT

FILE = ROOT / "Dockerfile"
# Understood by BuildKit only, or by newer builders only.
BUILDKIT = ("--chmod", "--link", "--exclude", "--mount", "--network", "--security", "<<", "# syntax")


def copied() -> list[str]:
    """Return what the Dockerfile copies from this folder."""
    found = re.findall(r"^COPY (?!--from)(.+) \S+$", FILE.read_text("utf-8"), re.MULTILINE)
    return [name for names in found for name in names.split()]


@pytest.mark.parametrize("feature", BUILDKIT)
def test_it_needs_no_buildkit(feature: str) -> None:
    """`docker build` of an older Docker, buildah and kaniko read it as well."""
    assert feature not in FILE.read_text("utf-8")


def test_the_address_of_the_project_is_that_of_the_package() -> None:
    """It is set in pyproject.toml alone; `make manifests` writes it here and into the alerts."""
    source = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["urls"]["Source"]
    assert f"\nARG SOURCE={source}\n" in FILE.read_text("utf-8")
    for name in ("deploy/prometheus/alerts.yaml", "deploy/helm/s3mover/files/alerts.yaml"):
        links = re.findall(r"runbook_url: (.*)/blob/main/", (ROOT / name).read_text("utf-8"))
        assert set(links) == {source}


def test_programs_are_committed_with_their_mode() -> None:
    """Nothing else makes them executable in the image."""
    programs = [name for name in copied() if name.endswith(".py") and _is_program(name)]
    assert programs == ["deploy/image/healthcheck.py"]
    listed = subprocess.run(
        ["git", "ls-files", "--stage", *programs], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert [line.split()[0] for line in listed.stdout.splitlines()] == ["100755"]


def _is_program(name: str) -> bool:
    return (ROOT / name).read_text("utf-8").startswith("#!")


def test_its_origin_can_be_told() -> None:
    """Version, source, revision and time are arguments, and become labels."""
    text = FILE.read_text("utf-8")
    for name in ORIGIN:
        assert re.search(rf"^ARG {name.upper()}=", text, re.MULTILINE)
        assert f'org.opencontainers.image.{name}="${{{name.upper()}}}"' in text


def test_hadolint_finds_nothing() -> None:
    """The Dockerfile is without complaint from its linter."""
    subprocess.run([f"{sys.prefix}/bin/hadolint", FILE], check=True)
