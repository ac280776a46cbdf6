"""The compose file of many machines, read by Docker Compose together with the daemon's, which it extends."""

import json
from typing import Any

import pytest
import yaml

from s3mover.settings.definitions import environment_name, setting_definitions
from s3mover.settings.load import load
from tests.deploy.container_engine import ROOT
from tests.deploy.test_compose import FILE, compose

SCALE = ROOT / "docker-compose.scale.yml"
OURS = ("certificates", "scheduler", "worker")
Service = dict[str, Any]


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Service]:
    """The services of both files, as Compose understands them."""
    empty = tmp_path_factory.mktemp("compose") / "empty"
    empty.touch()
    done = compose("-f", FILE, "-f", SCALE, "--env-file", empty, "config", "--format", "json")
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Service] = json.loads(done.stdout)["services"]
    return found


def test_each_part_waits_for_what_it_needs(services: dict[str, Service]) -> None:
    waits = {name: {of: one["condition"] for of, one in service.get("depends_on", {}).items()}
             for name, service in services.items()}  # fmt: skip
    certificates = {"certificates": "service_completed_successfully"}
    assert waits["scheduler"] == certificates
    joined = certificates | {"scheduler": "service_started", "mysql": "service_healthy"}
    assert waits["worker"] == waits["s3-mover"] == joined


def test_every_part_has_an_identity_of_one_authority_and_finds_the_scheduler(
    services: dict[str, Service],
) -> None:
    """The files are those that `s3mover certificates` writes, where their volume is mounted."""
    for name, role in (("scheduler", "scheduler"), ("worker", "worker"), ("s3-mover", "supervisor")):
        environment = services[name]["environment"]
        scale = load(
            None, environment | {"S3MOVER_CONFIG": "/dev/null", "MYSQL_DSN_FILE": ""}, {}, buckets=False
        ).scale
        folder = next(
            volume["target"] for volume in services[name]["volumes"] if volume["source"] == "certificates"
        )
        assert (scale.ca_file, scale.certificate_file, scale.key_file) == (
            f"{folder}/ca.crt", f"{folder}/{role}.crt", f"{folder}/{role}.key",
        )  # fmt: skip
        assert scale.scheduler == ("" if name == "scheduler" else "tls://scheduler:8786")
    assert services["scheduler"]["command"] == ["scheduler"]
    assert services["worker"]["command"] == ["worker"]


def test_a_machine_has_the_settings_and_secrets_of_the_supervisor(services: dict[str, Service]) -> None:
    worker, supervisor = services["worker"]["environment"], services["s3-mover"]["environment"]
    own = {environment_name(name) for name in setting_definitions() if name.startswith("scale.")}
    assert {name: value for name, value in worker.items() if name not in own} == {
        name: value for name, value in supervisor.items() if name not in own
    }
    written = yaml.safe_load(SCALE.read_text("utf-8"))["services"]["worker"]["env_file"]
    assert written == yaml.safe_load(FILE.read_text("utf-8"))["services"]["s3-mover"]["env_file"]


def test_what_is_ours_has_no_privilege_and_no_port(services: dict[str, Service]) -> None:
    for name in OURS:
        service = services[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "core" in service["ulimits"]
        assert not service.get("ports")
        assert not service.get("profiles")


def test_a_machine_has_time_to_stop_in_good_order(services: dict[str, Service]) -> None:
    """stop.grace, which is 25 seconds, and ten more."""
    assert services["worker"]["stop_grace_period"] == "40s"


def test_prometheus_scrapes_the_machines_beside_the_rest(services: dict[str, Service]) -> None:
    file = services["prometheus"]["command"][0].removeprefix("--config.file=/etc/prometheus/")
    both = yaml.safe_load((ROOT / "deploy/prometheus" / file).read_text("utf-8"))
    alone = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))
    (job,) = [one for one in both["scrape_configs"] if one not in alone["scrape_configs"]]
    assert both | {"scrape_configs": [one for one in both["scrape_configs"] if one != job]} == alone
    assert job["dns_sd_configs"][0]["names"] == ["worker"]
    assert "s3mover" in job["job_name"]
