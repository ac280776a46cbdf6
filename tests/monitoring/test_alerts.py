"""The alerts: valid, proven by promtool, and each with its section in the runbook."""

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import ROOT

FOLDER = ROOT / "deploy/prometheus"
RUNBOOK = ROOT / "docs/runbook.md"


def alerts() -> list[dict[str, Any]]:
    groups = yaml.safe_load((FOLDER / "alerts.yaml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def runbook_url() -> str:
    """Return the address of the runbook in the project's repository: Alertmanager cannot follow a relative one."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return f"{project['urls']['Source']}/blob/main/docs/runbook.md"


def anchors(path: Path) -> set[str]:
    """Return the anchors of a document's sections, as GitHub makes them."""
    headings = re.findall(r"^## (.+)$", path.read_text(), re.MULTILINE)
    return {heading.lower().replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "command",
    [
        ["check", "rules", "alerts.yaml"],
        ["check", "config", "prometheus.yml"],
        ["check", "config", "prometheus-scale.yml"],
        ["test", "rules", "alerts_test.yaml"],
    ],
    ids=" ".join,
)
def test_promtool_accepts(command: list[str]) -> None:
    """Rules and configuration are valid, and the rules' own tests pass."""
    done = subprocess.run(
        ["promtool", *command], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_each_alert_says_what_to_do() -> None:
    """Severity, a summary and a description in sentences, and an absolute link to the runbook."""
    for alert in alerts():
        assert alert["labels"]["severity"] in {"critical", "warning", "info"}
        for text in (alert["annotations"]["summary"], alert["annotations"]["description"]):
            assert text.endswith(".")
        assert alert["annotations"]["runbook_url"] == f"{runbook_url()}#{alert['alert'].lower()}"


def test_the_runbook_has_a_section_per_alert_and_no_other() -> None:
    """Each link has a section, and each section an alert."""
    assert anchors(RUNBOOK) == {alert["alert"].lower() for alert in alerts()}


def test_each_alert_is_tested() -> None:
    """No alert is there that was never seen to fire."""
    tests = (FOLDER / "alerts_test.yaml").read_text()
    assert [alert["alert"] for alert in alerts() if alert["alert"] not in tests] == []
