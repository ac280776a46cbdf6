"""`config.yaml` and `.env.example` at the root are true."""

import re
from pathlib import Path

import pytest

from s3mover.settings import Settings
from s3mover.settings.definitions import FIRST_VERSION_NAMES, setting_definitions
from s3mover.settings.load import load
from s3mover.settings.names import section_names

ROOT = Path(__file__).parents[2]
CONFIG = ROOT / "config.yaml"


def documented() -> dict[str, tuple[str, str]]:
    """Return the comment and the written value of each setting in config.yaml, in its order."""
    found: dict[str, tuple[str, str]] = {}
    section = ""
    comment: list[str] = []
    for line in CONFIG.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"(\w+):", line):
            section = heading[1]
        elif group := re.fullmatch(r"  (\w+):(?: #.*)?", line) if not comment else None:
            section = f"{section}.{group[1]}"
        elif setting := re.fullmatch(r"( {2}| {4})(\w+):(?: (.*))?", line):
            section = section if setting[1] == "    " else section.partition(".")[0]
            found[f"{section}.{setting[2]}"] = (" ".join(comment), setting[3] or "")
        comment = [*comment, line.lstrip("# ")] if re.match(" +#", line) else []
    return found


def test_the_file_shows_every_setting_in_the_code_s_order() -> None:
    """None is missing, none is left over."""
    assert list(documented()) == list(setting_definitions())


@pytest.mark.parametrize("name", setting_definitions())
def test_each_comment_says_reason_unit_and_default(name: str) -> None:
    """In the very words of the code."""
    setting = setting_definitions()[name]
    comment, value = documented()[name]
    assert comment == f"{setting.description} Unit: {setting.unit}. Default: {setting.default or 'not set'}."
    assert value == setting.default


def test_the_file_as_it_stands_changes_nothing() -> None:
    """Whoever runs in this directory gets the defaults, and the environment is heard."""
    assert load(CONFIG, {}, {}, buckets=False) == Settings()
    environ = {"SRC_BUCKET": "ours", "DST_BUCKET": "theirs", "SRC_PREFIX": "docs/"}
    assert load(CONFIG, environ, {}).destination.prefix == "docs/"


def test_every_setting_has_a_reason_a_unit_and_an_expectation() -> None:
    """In sentences, for people."""
    for setting in setting_definitions().values():
        assert setting.description.endswith("."), setting
        assert setting.unit, setting
        assert setting.expected, setting


def test_the_sections_are_those_of_the_model() -> None:
    """In the contract's order."""
    expected = "source destination transfer filter sweep deletions audit scale prices limits"
    assert section_names() == tuple(f"{expected} http control kubernetes log summary stop".split())


def test_the_example_environment_shows_the_first_version_s_names_and_sets_nothing() -> None:
    """Copied as it stands, it is as good as none."""
    lines = (ROOT / ".env.example").read_text(encoding="utf-8").splitlines()
    environ = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    assert sorted(environ) == sorted(FIRST_VERSION_NAMES)
    assert load(CONFIG, environ, {}, buckets=False) == Settings()


def test_the_example_environment_s_further_lines_are_true() -> None:
    """Without their comment signs they set their settings."""
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    environ = dict(re.findall(r"^# (S3MOVER_\w+)=(.*)$", text, re.MULTILINE))
    assert environ
    load(CONFIG, environ, {}, buckets=False)
