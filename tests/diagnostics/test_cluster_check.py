"""What `check` says of a cluster."""

import datetime as dt
import time

import pytest

from s3mover import __version__
from s3mover.diagnostics import cluster_check
from s3mover.diagnostics.check_results import CheckWarning
from s3mover.diagnostics.cluster_check import check_cluster
from s3mover.scale import inspection
from s3mover.scale.inspection import Inspection
from s3mover.scale.messages import Machine
from s3mover.settings.model import ScaleSettings

NOW = time.time()
SCALE = ScaleSettings("tls://scheduler:8786", "a", "b", "c")


def machine(name: str, version: str = __version__) -> Machine:
    return Machine(name, f"tls://{name}:1", version)


def found(monkeypatch: pytest.MonkeyPatch, *machines: Machine, days: float | None = 100) -> str:
    """Return what is said of these machines, with a certificate that lasts so many days."""
    end = None if days is None else dt.datetime.fromtimestamp(NOW, dt.UTC) + dt.timedelta(days=days)
    monkeypatch.setattr(inspection, "inspect_cluster", lambda _: Inspection(machines, end))
    return check_cluster(SCALE, NOW)


def test_machines_versions_and_the_certificate_s_end_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    text = found(monkeypatch, machine("one"), machine("two"))
    assert f"the scheduler answers; 2 machines (2 x {__version__})" in text
    assert "this certificate is valid until 20" in text


def test_a_cluster_without_tls_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, machine("one"), days=None).endswith("without TLS")


def test_a_cluster_without_machines_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckWarning, match=r"0 machines.*start machines"):
        found(monkeypatch)


def test_machines_of_another_version_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckWarning, match=f"run {__version__}, the version of this program, on old, older:"):
        found(monkeypatch, machine("one"), machine("older", "0.0.1"), machine("old", "0.0.2"))


def test_a_certificate_that_ends_soon_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CheckWarning, match="renew the certificate"):
        found(monkeypatch, machine("one"), days=cluster_check.ENDS_SOON.days - 0.1)
