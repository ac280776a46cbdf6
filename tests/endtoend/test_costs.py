"""What sweeps cost, end to end: the requests that the store answered, at the prices of a file, and the limits."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from testkit.program import daemon, run_program
from testkit.trail_rows import assert_settled, rows
from testkit.world import DESTINATION, SOURCE, World

PUTS = {"ListObjectsV2", "CopyObject", "PutObject"}
COST = "SELECT status, cost_usd FROM migration_batches ORDER BY id"


def priced(world: World, folder: Path, put: str, get: str = "0") -> dict[str, str]:
    """Return the environment with a price file for the simulator: prices per 1,000 requests."""
    port = urlsplit(world.s3.endpoint).port
    file = folder / "prices.yaml"
    file.write_text(
        f"stores: {{'localhost:{port}': {{internet: 0, classes: {{STANDARD: {{put: {put}, get: {get}}}}}}}}}\n",
        encoding="utf-8",
    )
    prices = {"S3MOVER_PRICES__FILE": str(file), "S3MOVER_PRICES__LOCATION": "internet"}
    return {**world.environment, **prices}


def test_a_sweep_costs_what_the_requests_cost_that_the_store_answered(world: World, tmp_path: Path) -> None:
    """Those of workers and of the supervisor; trail, log, summary and report say the same."""
    world.s3.fill(SOURCE, 25, size=10)
    world.s3.add_fault("slow_down", operation="CopyObject", nth=[3, 7])
    done = run_program(["sweep"], priced(world, tmp_path, "10", "1"), tmp_path)
    charged = [entry for entry in world.s3.log() if entry["status"] < 500]
    puts = sum(entry["operation"] in PUTS for entry in charged)
    gets = len(charged) - puts
    assert puts >= 27
    expected = round(puts * 0.01 + gets * 0.001, 6)
    before_the_sweep = 0.01 * 2 + 0.001 * gets  # each side is listed once when it is opened
    [(status, cost)] = rows(tmp_path, COST)
    assert status == "completed"
    total = rows(tmp_path, "SELECT SUM(micros) FROM batch_costs")[0][0]
    assert round(total / 1e6, 6) == expected
    assert expected - before_the_sweep - 1e-9 <= cost <= expected
    [finished] = [
        event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "sweep.finished"
    ]
    assert finished["cost_usd"] == cost
    assert f"Cost: ${cost:.4f}" in Path(tmp_path / finished["summary"]).read_text(encoding="utf-8")
    report = json.loads(run_program(["report", "--format", "json"], world.environment, tmp_path).stdout)
    assert [sweep["cost_usd"] for sweep in report["sweeps"]] == [cost]


def test_a_store_without_prices_costs_what_is_not_known(world: World, tmp_path: Path) -> None:
    """NULL in the trail, and the summary says why; a limit on it is refused."""
    world.s3.fill(SOURCE, 1, size=10)
    run_program(["sweep"], world.environment, tmp_path)
    assert rows(tmp_path, COST) == [("completed", None)]
    [summary] = (tmp_path / "logs").iterdir()
    assert "Cost: not known" in summary.read_text(encoding="utf-8")
    refused = run_program(["sweep", "--max-cost", "1"], world.environment, tmp_path, expect=2)
    assert "--max-cost: no price is known for requests to localhost:" in refused.stderr


def test_a_command_begins_nothing_beyond_its_budget(world: World, tmp_path: Path) -> None:
    """At a dollar a request; what was left out is moved by the next sweep."""
    world.s3.fill(SOURCE, 40, size=10)
    settings = priced(world, tmp_path, "1000")
    done = run_program(["sweep", "--max-cost", "12.50"], settings, tmp_path, expect=130)
    [(status, cost)] = rows(tmp_path, COST)
    assert status == "interrupted"
    assert 8 <= world.s3.count(DESTINATION) <= 12
    assert cost <= 12.5
    [reached] = [
        event for event in map(json.loads, done.stdout.splitlines()) if event["event"] == "cost.limit_reached"
    ]
    assert reached["message"].startswith("--max-cost is reached: $")
    run_program(["sweep"], settings, tmp_path)
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_the_limit_of_a_day_holds_over_a_restart_until_it_is_raised(
    world: World, tmp_path: Path, port: int
) -> None:
    """Nothing more is asked of the store; status and log say why, and a reload with a higher limit goes on."""
    world.s3.fill(SOURCE, 40, size=10)
    config = tmp_path / "config.yaml"
    config.write_text("limits: {cost_per_day: 12.50}\n", encoding="utf-8")
    settings = priced(world, tmp_path, "1000") | {"S3MOVER_HTTP__PORT": str(port)}
    with daemon(settings, tmp_path) as running:
        running.await_event("cost.limit_reached")
        running.await_event("sweep.finished")
        running.process.terminate()
        assert running.end() == 0
    moved = world.s3.count(DESTINATION)
    assert moved <= 12
    with daemon(settings, tmp_path) as running:
        message = running.await_event("cost.limit_reached")["message"]
        status = json.loads(running.get(port, "/status")[1])
        assert status["cost"]["limit_reached"] == message
        assert status["cost"]["limit_per_day_usd"] == 12.5
        assert (status["state"], world.s3.count(DESTINATION)) == ("idle", moved)
        shown = run_program(["status"], settings, tmp_path).stdout
        assert f"Cost limit reached. L{message[1:]}" in shown
        url = f"http://127.0.0.1:{port}"
        by_url = json.loads(run_program(["status", "--url", url, "--json"], {}, tmp_path).stdout)
        assert by_url["cost"] == status["cost"]
        config.write_text("limits: {cost_per_day: 1000}\n", encoding="utf-8")
        running.process.send_signal(1)
        running.await_event("sweep.finished", lambda event: event["status"] == "completed")
    assert_settled(world.s3, SOURCE, DESTINATION, tmp_path)


def test_an_estimate_has_the_requests_that_the_sweep_then_makes(world: World, tmp_path: Path) -> None:
    """It moves nothing itself; opening each bucket takes one listing more."""
    world.s3.fill(SOURCE, 1200, size=10)
    settings = priced(world, tmp_path, "0.0054", "0.00043")
    [estimate] = json.loads(run_program(["estimate", "--json"], settings, tmp_path).stdout)["routes"]
    assert world.s3.count(DESTINATION) == 0
    world.s3.clear_log()
    run_program(["sweep"], settings, tmp_path)
    puts = sum(entry["operation"] in PUTS for entry in world.s3.log())
    assert estimate["requests"]["put_requests"] == puts - 2
    assert (estimate["objects"], estimate["bytes"], estimate["crossing_bytes"]) == (1200, 12_000, 0)
    assert estimate["kinds_usd"]["put_requests"] == round((puts - 2) * 0.0000054, 6)
    table = run_program(["estimate"], settings, tmp_path).stdout
    assert "0 objects" in table
    assert "prices of prices.file" in table


def test_an_invalid_price_file_is_refused_with_its_key(world: World, tmp_path: Path) -> None:
    """By every command that reads the settings."""
    settings = priced(world, tmp_path, "cheap")
    for command in ("estimate", "sweep"):
        refused = run_program([command], settings, tmp_path, expect=2)
        assert 'classes.STANDARD.put: "cheap" is not a price' in refused.stderr
