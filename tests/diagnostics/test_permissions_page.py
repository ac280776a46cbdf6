"""`docs/permissions.md` shows the documents that `s3mover policy` prints."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from s3mover.diagnostics.policy_inputs import documents_of
from s3mover.settings.load import load

PAGE = (Path(__file__).parents[2] / "docs" / "permissions.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"<!-- ([a-z_ ]+) -->\n```json\n(.*?)\n```", re.DOTALL)
PAIR = {
    "SRC_BUCKET": "company-documents",
    "SRC_PREFIX": "docs/",
    "SRC_ACCOUNT_ID": "111111111111",
    "SRC_PROFILE": "source",
    "DST_BUCKET": "company-documents-copy",
    "DST_ACCOUNT_ID": "222222222222",
    "DST_PROFILE": "destination",
}
SOURCE_KEY = "arn:aws:kms:eu-central-1:111111111111:key/1111aaaa-11aa-11aa-11aa-111111aaaaaa"
DESTINATION_KEY = "arn:aws:kms:eu-central-1:222222222222:key/2222aaaa-22aa-22aa-22aa-222222aaaaaa"


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """All documents of the page's pair, without and with KMS, by their names on the page."""
    monkeypatch.chdir(tmp_path)
    kms = PAIR | {"S3MOVER_DESTINATION__KMS_KEY_ID": DESTINATION_KEY}
    return {
        f"{name} {one.method} {one.side} {one.kind}": one.policy
        for name, environ, key in (("plain", PAIR, ""), ("kms", kms, SOURCE_KEY))
        for one in documents_of(load(None, environ, {}), key)
        if one.policy
    }


def test_the_page_shows_every_document_as_it_is_printed(printed: dict[str, Any]) -> None:
    """None is missing, none is obsolete, none differs."""
    shown = dict(BLOCK.findall(PAGE))
    assert shown.keys() == printed.keys()
    for name, policy in printed.items():
        assert shown[name] == json.dumps(policy, indent=2), name


def test_the_page_explains_every_action(printed: dict[str, Any]) -> None:
    """Each right has a row in the tables."""
    tables = "\n".join(line for line in PAGE.splitlines() if line.startswith("|"))
    for action in re.findall(r'"((?:s3|kms):\w+)"', json.dumps(printed)):
        if action != "s3:prefix":
            assert f"`{action}`" in tables, action
