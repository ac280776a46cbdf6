"""The certificate: what it says of a pair, as JSON and as a document for A4."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import sync_playwright

from testkit.program import run_program
from testkit.waiting import TOO_LONG
from testkit.world import DESTINATION, SOURCE, World

NASTY = "docs/<img src=x onerror=alert(1)>\u202efdp"
# Of A4, in points.
A4 = (595, 842)


@pytest.fixture
def swept(world: World, tmp_path: Path) -> World:
    """Four objects that were moved; then one was changed, one removed, and one added at the destination."""
    world.s3.put_objects(SOURCE, [{"key": f"docs/{n}", "body": b"x%d" % n} for n in range(3)])
    world.s3.put_object(SOURCE, NASTY, b"nasty")
    run_program(["sweep"], world.environment, tmp_path)
    return world


def certificate(world: World, folder: Path, *options: str, expect: int = 0) -> dict[str, Any]:
    run_program(["certificate", *options], world.environment, folder, expect=expect)
    facts: dict[str, Any] = json.loads((folder / "certificate.json").read_text())
    return facts


def root_of_two(*leaves: bytes) -> str:
    """The Merkle root over two objects, by hand."""
    hashes = [hashlib.sha256(b"\0" + leaf).digest() for leaf in leaves]
    return hashlib.sha256(b"\1" + b"".join(hashes)).hexdigest()


def test_equal_buckets_are_certified_with_roots_and_seal(world: World, tmp_path: Path) -> None:
    """The roots can be computed from the listings, and are equal where the ETags are; secrets are not shown."""
    world.s3.put_objects(SOURCE, [{"key": key, "body": b"x"} for key in ("a", "b")])
    run_program(["sweep"], world.environment, tmp_path)
    facts = certificate(world, tmp_path)
    etag = hashlib.md5(b"x", usedforsecurity=False).hexdigest().encode()
    root = root_of_two(*(b"1:%b,1:1,32:%b," % (key, etag) for key in (b"a", b"b")))
    assert (facts["result"], facts["objects"]["equal"]) == ("equal", 2)
    assert facts["source"]["root"] == facts["destination"]["root"] == root
    assert (facts["source"]["objects"], facts["source"]["bytes"]) == (2, 2)
    assert (facts["trail"]["intact"], facts["trail"]["newest_seal"]["number"]) == (True, 1)
    text = (tmp_path / "certificate.json").read_text() + (tmp_path / "certificate.html").read_text()
    assert world.source_key.secret_key not in text
    assert facts["settings"]["source.secret_key"] == "set"
    run_program(["certificate"], world.environment, tmp_path, expect=2)


def test_differences_are_counted_and_named_and_the_document_prints_on_a4(
    swept: World, tmp_path: Path
) -> None:
    """What a key contains is shown, and never run; the document loads nothing."""
    swept.s3.put_object(SOURCE, "docs/0", b"changed!")
    swept.s3.delete_objects(DESTINATION, ["docs/1"])
    swept.s3.delete_objects(SOURCE, [NASTY])
    facts = certificate(swept, tmp_path, expect=1)
    assert (facts["result"], facts["difference_count"], facts["extra_count"]) == ("different", 2, 1)
    assert {one["key"]: one["result"] for one in facts["differences"]} == {
        "docs/0": "different",
        "docs/1": "missing",
    }
    assert [one["key"] for one in facts["extra"]] == [NASTY]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        page = browser.new_page()
        page.set_default_timeout(TOO_LONG * 1000)
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.goto((tmp_path / "certificate.html").as_uri())
        assert page.locator(".verdict strong").inner_text().lower() == "different"
        assert "onerror=alert(1)" in page.locator("body").inner_text()
        assert page.locator("img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        printed = page.pdf(prefer_css_page_size=True)
        browser.close()
    assert requests == [(tmp_path / "certificate.html").as_uri()]
    boxes = re.findall(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", printed)
    assert {(round(float(width)), round(float(height))) for width, height in boxes} == {A4}
