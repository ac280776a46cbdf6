"""The demo, as a newcomer runs it."""

import json
import re
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from testkit.program import COMMAND, environment, run_program
from testkit.waiting import TOO_LONG

SUMMARY = [
    r"Transfer Summary Report",
    r"=======================",
    r"Start Time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    r"End Time: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d",
    r"Total Duration: \d+\.\d\d seconds",
    r"Files Processed: 676",
    r"Successful Transfers: 676 \(100\.00%\)",
    r"Failed Transfers: 0 \(0\.00%\)",
    r"Performance Metrics:",
    r"- Transfer Rate: \d+\.\d\d files/second",
    r"- Throughput: \d+\.\d\d MB/second",
    r"- Data Transferred: 676 files, \d+\.\d\d MB",
    r"- Average File Size: \d+\.\d\d KB",
    r"Transfer Methods:",
    r"- Server-side copy: 676 files \(100\.00%\)",
    r"- Streaming transfer: 0 files \(0\.00%\)",
]


@pytest.mark.timeout(600)
def test_the_whole_story_is_told(tmp_path: Path) -> None:
    """676 moved, only changes moved again, both methods seen, both buckets equal, everything where it is said to be."""
    # Three sweeps and two servers take half a minute of CPU, on a busy machine more than a wait may last.
    told = run_program(["demo", "--directory", "show"], {}, tmp_path, timeout=300).stdout

    assert "676 documents are in account 111111111111" in told
    assert "150 threads in " in told
    moved = [(int(count), path) for count, path in re.findall(r"✅ (\d+) moved. Summary file: (\S+)", told)]
    assert [count for count, _ in moved] == [676, 30, 24]
    assert "Streaming transfer: 24 files (100.00%)" in told
    assert "Both buckets are equal byte for byte, properties included: 710 objects." in told
    summary = (tmp_path / moved[0][1]).read_text(encoding="utf-8").splitlines()
    places = [next(n for n, line in enumerate(summary) if re.fullmatch(wanted, line)) for wanted in SUMMARY]
    assert places == sorted(places)
    assert (tmp_path / "show" / "audit.db").exists()
    report = run_program(["--config", "show/config.yaml", "report", "--format", "json"], {}, tmp_path)
    totals = {total["method"]: total["objects"] for total in json.loads(report.stdout)["totals"]}
    assert totals == {"server_side_copy": 706, "streaming": 24}


@pytest.mark.timeout(600)
def test_the_story_is_told_by_many_machines(tmp_path: Path) -> None:
    """One of them is killed in the midst: all is moved all the same, and counted once."""
    told = run_program(
        ["demo", "--directory", "show", "--workers", "3"], {}, tmp_path, timeout=TOO_LONG * 5
    ).stdout
    assert re.search(r"machine-\d was killed in the midst", told)
    assert re.findall(r"✅ (\d+) moved. Summary file", told) == ["676", "30", "24"]
    assert "Both buckets are equal byte for byte, properties included: 710 objects." in told
    assert "machine.registered" in (tmp_path / "show/certificates/cluster.log").read_text(encoding="utf-8")


def test_a_folder_that_no_demo_made_is_not_touched(tmp_path: Path) -> None:
    """Whatever it is called and holds."""
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.yaml").write_text("precious", encoding="utf-8")
    done = run_program(["demo", "--directory", "mine"], {}, tmp_path, expect=2)
    assert "--directory" in done.stderr
    assert (tmp_path / "mine" / "config.yaml").read_text(encoding="utf-8") == "precious"


def test_it_stays_up_where_that_is_wished(tmp_path: Path) -> None:
    """With `--keep` the endpoints answer until Ctrl-C, which ends it in good order."""
    with subprocess.Popen(
        [*COMMAND, "demo", "--keep"], cwd=tmp_path, env=environment({}), stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        try:
            lines = iter(process.stdout.readline, "")
            next(line for line in lines if "until Ctrl-C" in line)
            [metrics] = re.findall(r"http://\S+/metrics", next(line for line in lines if "/metrics" in line))
            next(line for line in lines if "sweep" in line.lower() and "710" in line)
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
            with opener.open(metrics, timeout=TOO_LONG) as answer:
                assert b"s3mover_sweeps_total" in answer.read()
            process.send_signal(signal.SIGINT)
            assert process.wait(TOO_LONG) == 0
        finally:
            process.kill()


@pytest.mark.timeout(600)
def test_the_last_documents_come_by_the_events_of_the_bucket(tmp_path: Path) -> None:
    """Moto notifies the queue by itself, and no sweep is near: nothing else can have moved them."""
    told = run_program(["demo", "--directory", "show", "--events"], {}, tmp_path, timeout=300).stdout
    assert re.search(r"✅ 24 moved by their events: half of them within \d+\.\d s", told)
    assert "Both buckets are equal byte for byte, properties included: 710 objects." in told
