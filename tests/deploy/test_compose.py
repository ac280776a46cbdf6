"""The compose files, read by Docker Compose itself, and held against the files that they name."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from s3mover.audit.dsn import MysqlDsn, parse_dsn
from s3mover.settings.definitions import FIRST_VERSION_NAMES
from testkit.waiting import TOO_LONG
from tests.deploy.container_engine import ROOT

FILE = ROOT / "docker-compose.yml"
DEMO = ROOT / "docker-compose.demo.yml"
PLUGIN_FOLDERS = ("/usr/libexec/docker", "/usr/local/lib/docker", "/usr/lib/docker")
Service = dict[str, Any]


def compose(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Docker Compose, which needs no engine to read a file."""
    places = [
        shutil.which("docker-compose"),
        *(f"{folder}/cli-plugins/docker-compose" for folder in PLUGIN_FOLDERS),
    ]
    program = next((place for place in places if place and os.access(place, os.X_OK)), None)
    if program is None:
        pytest.fail("Docker Compose v2 is missing; .ci/install-test-servers installs it", pytrace=False)
    return subprocess.run(
        [program, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=TOO_LONG,
        env=os.environ | environment,
    )


def understood(file: Path, env_file: Path) -> dict[str, Any]:
    """Return a file as Compose understands it, with this .env."""
    done = compose("-f", file, "--env-file", env_file, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An .env without a line."""
    file = tmp_path_factory.mktemp("compose") / "empty"
    file.touch()
    return file


@pytest.fixture(scope="module")
def services(empty: Path) -> dict[str, Service]:
    """The services of the daemon."""
    found: dict[str, Service] = understood(FILE, empty)["services"]
    return found


@pytest.fixture(scope="module")
def demo(empty: Path) -> dict[str, Service]:
    """The services of the demo."""
    found: dict[str, Service] = understood(DEMO, empty)["services"]
    return found


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """A project folder whose .env names a value for everything."""
    for name in ("docker-compose.yml", "docker-compose.demo.yml", "config.yaml", "deploy", "schema"):
        (tmp_path / name).symlink_to(ROOT / name)
    values = [f"{name}=real-{name.lower()}" for name in FIRST_VERSION_NAMES]
    settings = ["S3MOVER_TRANSFER__AFTER=delete", "AWS_PROFILE=real", "MYSQL_DSN_FILE=/real"]
    (tmp_path / ".env").write_text("\n".join([*values, *settings]))
    return tmp_path


@pytest.mark.parametrize("file", [FILE, DEMO], ids=lambda file: file.name)
def test_compose_finds_no_fault(file: Path) -> None:
    """Neither an unknown key, nor a dependency that is none, nor a value of another kind; and it warns of nothing."""
    done = compose("-f", file, "config", "--quiet")
    assert (done.returncode, done.stderr) == (0, "")


def waits(services: dict[str, Service]) -> dict[str, dict[str, str]]:
    """Return what each service waits for."""
    return {
        name: {of: one["condition"] for of, one in service.get("depends_on", {}).items()}
        for name, service in services.items()
    }


def test_each_part_waits_for_what_it_needs(services: dict[str, Service], demo: dict[str, Service]) -> None:
    """The daemon waits for a database that answers; that of the demo also for buckets that are filled."""
    assert waits(services)["s3-mover"] == {"mysql": "service_healthy"}
    assert waits(demo)["s3-mover"] == {"mysql": "service_healthy", "demo": "service_healthy"}
    for each in (services, demo):
        prepared = {name for name, of in waits(each).items() if "prepare" in of}
        assert prepared == set(each) & {"mysql", "demo"}
        awaited = [
            of for waiting in waits(each).values() for of, how in waiting.items() if how == "service_healthy"
        ]
        assert all("healthcheck" in each[name] for name in awaited)


def test_the_database_is_healthy_once_its_user_can_ask(services: dict[str, Service]) -> None:
    """`mysqladmin ping` would succeed with a wrong password, too."""
    (_, command) = services["mysql"]["healthcheck"]["test"]
    assert "mysqladmin" not in command
    assert re.search(r"mysql --host=127\.0\.0\.1 --user=s3mover --execute='SELECT 1' s3mover$", command)


def test_a_demo_never_sees_the_real_settings(filled: Path, empty: Path) -> None:
    """It is the same whatever .env holds, and shares neither containers, volumes nor a network with the daemon."""
    without = understood(filled / DEMO.name, empty)
    with_all = understood(filled / DEMO.name, filled / ".env")
    assert with_all == without
    assert "real" not in json.dumps(with_all["services"]["s3-mover"]["environment"])
    assert not with_all["services"]["s3-mover"].get("env_file")
    daemon = understood(filled / FILE.name, filled / ".env")
    for kind in ("volumes", "networks"):
        assert {one["name"] for one in daemon[kind].values()}.isdisjoint(
            one["name"] for one in with_all[kind].values()
        )
    assert daemon["services"]["s3-mover"]["environment"]["SRC_BUCKET"] == "real-src_bucket"


def test_down_leaves_nothing_of_what_up_started(
    demo: dict[str, Service], services: dict[str, Service]
) -> None:
    """A service in a profile would be left by `docker compose down`, which the documents name."""
    assert not any(service.get("profiles") for service in (*demo.values(), *services.values()))


def test_the_demo_is_no_profile_any_more() -> None:
    """With the old command nothing starts, and the message names the file."""
    done = compose("-f", FILE, "--profile", "demo", "config", "--quiet")
    assert done.returncode != 0
    assert DEMO.name in done.stderr


def test_the_files_that_are_mounted_exist(services: dict[str, Service], demo: dict[str, Service]) -> None:
    """Docker would make a folder of what is not there, without a word."""
    for service in (*services.values(), *demo.values()):
        for volume in service.get("volumes", ()):
            assert volume["type"] == "volume" or Path(volume["source"]).exists(), volume["source"]


def test_what_is_ours_has_no_privilege(services: dict[str, Service], demo: dict[str, Service]) -> None:
    """Our containers have a root that is not written to, and no capability; ports are this machine's alone."""
    ours = [
        each[name] for each in (services, demo) for name in each if name in {"prepare", "s3-mover", "demo"}
    ]
    assert len(ours) == 5
    for service in ours:
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert "core" in service["ulimits"]
    # Compose leaves zeros out of what it prints.
    assert yaml.safe_load(FILE.read_text("utf-8"))["x-hardened"]["ulimits"] == {"core": 0}
    assert "ulimits:\n      core: 0\n" in DEMO.read_text("utf-8")
    published = [
        port for service in (*services.values(), *demo.values()) for port in service.get("ports", ())
    ]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_images_of_others_are_named_by_version_and_digest(services: dict[str, Service]) -> None:
    """A tag can be moved to another content; our own images are built here."""
    others = [service["image"] for service in services.values() if "build" not in service]
    assert len(others) == 3
    for image in others:
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+@sha256:[0-9a-f]{64}", image), image


def test_the_daemon_stops_in_good_order(services: dict[str, Service]) -> None:
    """Docker waits longer than stop.grace, which is 25 seconds."""
    assert services["s3-mover"]["stop_grace_period"] == "40s"


def test_prometheus_and_grafana_find_each_other(services: dict[str, Service]) -> None:
    """The names in their own files are names of this network."""
    names = set(services) | set(services["s3-mover"]["networks"]["default"]["aliases"])
    scrapes = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    hosts = {
        target.split(":")[0] for job in scrapes for one in job["static_configs"] for target in one["targets"]
    }
    assert hosts - {"localhost"} <= names
    (source,) = (ROOT / "deploy/grafana/provisioning/datasources").glob("*.yaml")
    (entry,) = yaml.safe_load(source.read_text("utf-8"))["datasources"]
    assert entry["url"] == "http://prometheus:9090"
    (provider,) = (ROOT / "deploy/grafana/provisioning/dashboards").glob("*.yaml")
    (folder,) = (one["options"]["path"] for one in yaml.safe_load(provider.read_text("utf-8"))["providers"])
    targets = [volume["target"] for volume in services["grafana"]["volumes"]]
    assert f"{folder}/s3mover.json" in targets


def test_the_database_is_made_by_the_schema_files(services: dict[str, Service]) -> None:
    """The folder that the database's image runs at its first start is the one that `schema apply` reads."""
    mounts = {volume["target"]: volume["source"] for volume in services["mysql"]["volumes"]}
    assert mounts["/docker-entrypoint-initdb.d"] == str(ROOT / "schema" / "mysql")


def test_no_secret_stands_in_a_file(services: dict[str, Service]) -> None:
    """Every password is drawn at the first start; the example of the environment leaves all of them empty."""
    named = re.compile(
        r"(?i)^[^#\n]*?(\w*(?:password|secret|token|key|dsn)\w*)[ \t]*[:=][ \t]*(\S.*)", re.MULTILINE
    )
    found = dict(named.findall(FILE.read_text("utf-8") + (ROOT / ".env.example").read_text("utf-8")))
    harmless = re.compile(r'"yes"|/run/s3mover/\w+|\$\{MYSQL_DSN_FILE-/run/s3mover/dsn\}')
    assert {name: value for name, value in found.items() if not harmless.fullmatch(value)} == {}
    assert len(found) == 3
    assert services["mysql"]["environment"]["MYSQL_PASSWORD_FILE"] == "/run/s3mover/password"


def test_the_password_is_drawn_once(tmp_path: Path) -> None:
    """It outlives further starts, fits its URL, and the settings lie beside it."""
    prepare: list[str | Path] = [
        sys.executable,
        ROOT / "deploy/compose/prepare.py",
        ROOT / "config.yaml",
        tmp_path,
    ]
    subprocess.run(prepare, check=True, timeout=TOO_LONG)
    first = (tmp_path / "dsn").read_text()
    (tmp_path / "config.yaml").write_text("those of the demo")
    subprocess.run(prepare, check=True, timeout=TOO_LONG)
    assert (tmp_path / "dsn").read_text() == first
    dsn = parse_dsn(first)
    assert isinstance(dsn, MysqlDsn)
    assert (dsn.host, dsn.user, dsn.database) == ("mysql", "s3mover", "s3mover")
    assert dsn.password == (tmp_path / "password").read_text()
    assert len(dsn.password) >= 32
    assert (tmp_path / "config.yaml").read_text() == (ROOT / "config.yaml").read_text()


def test_the_example_has_every_name_of_the_first_version() -> None:
    """Each stands there, empty, ready to be filled in; and nothing else is set."""
    lines = (ROOT / ".env.example").read_text("utf-8").splitlines()
    assigned = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert assigned == dict.fromkeys(FIRST_VERSION_NAMES, "")


def test_what_is_not_set_in_env_is_left_to_the_file(tmp_path: Path) -> None:
    """A copy of the example, as it stands, changes nothing: the database stays the compose file's own."""
    copy = tmp_path / "env"
    shutil.copy(ROOT / ".env.example", copy)
    done = compose("-f", FILE, "--env-file", copy, "config", "--format", "json")
    environment = json.loads(done.stdout)["services"]["s3-mover"]["environment"]
    assert environment["MYSQL_DSN_FILE"] == "/run/s3mover/dsn"
    assert not environment.get("MYSQL_DSN")


@pytest.mark.parametrize("document", ["README.md", "docs/deploy.md"])
def test_the_documented_query_is_of_this_database(document: str, services: dict[str, Service]) -> None:
    """User, database and the file of the password are those of the service."""
    told = re.search(
        r"docker compose exec mysql sh -c 'MYSQL_PWD=\$\(cat (\S+)\) mysql -u (\w+) (\w+)'",
        (ROOT / document).read_text("utf-8"),
    )
    assert told
    names = ("MYSQL_PASSWORD_FILE", "MYSQL_USER", "MYSQL_DATABASE")
    assert told.groups() == tuple(services["mysql"]["environment"][name] for name in names)


def test_documents_name_commands_that_exist() -> None:
    """No document names the profile that the demo was; a container that is run by hand comes back after a restart."""
    for document in (ROOT / "README.md", *ROOT.glob("docs/*.md")):
        text = document.read_text("utf-8")
        assert "--profile demo" not in text
        for command in re.findall(r"docker run -d(?:.*\\\n)*.*", text):
            assert "--restart unless-stopped" in command
