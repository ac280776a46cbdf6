"""Keys are UTF-8, also where the locale is not."""

from pathlib import Path

from testkit.program import run_program
from testkit.world import DESTINATION, SOURCE, World

ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "S3MOVER_LOG__FORMAT": "json"}


def test_keys_and_settings_are_read_as_utf8(world: World, tmp_path: Path) -> None:
    """A prefix of the environment, a key of the command line, and what is printed."""
    settings = world.environment | ASCII | {"SRC_PREFIX": "dö/", "S3MOVER_SWEEP__RETRY_WAIT": "1h"}
    world.s3.put_objects(SOURCE, [{"key": key, "body": b"x"} for key in ("dö/bäd", "dö/good", "other")])
    fault = world.s3.add_fault("access_denied", operation="*Object", key="dö/bäd")
    for _ in range(2):
        run_program(["sweep"], settings, tmp_path, expect=1)
    world.s3.clear_faults(fault)
    assert run_program(["retry", "dö/bäd"], settings, tmp_path).stdout == "dö/bäd: waits no longer\n"
    run_program(["sweep"], settings, tmp_path)
    assert [one["key"] for one in world.s3.objects(DESTINATION)] == ["dö/bäd", "dö/good"]
    assert "✅" in run_program(["check"], settings, tmp_path).stdout


def test_a_key_that_is_not_utf8_is_refused(world: World, tmp_path: Path) -> None:
    """No object can have it."""
    refused = run_program(["retry", "b\udcff"], world.environment, tmp_path, expect=2)
    assert "is not UTF-8" in refused.stderr
