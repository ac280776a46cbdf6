"""What documents and docstrings refer to is there: files, documents, sections."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CONTRIBUTING.md")),
    *ROOT.glob("docs/*.md"),
]
CODE = ("s3mover", "tests", "testkit", "simulator", "bench", "deploy")
NAMED_FILE = re.compile(r"`((?:[\w-]+/)*[a-zA-Z][\w-]*\.(?:py|md|json|sh|service))`")


def sections(path: Path) -> set[str]:
    """Return the anchors of a document's sections, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def named_files() -> Iterator[tuple[str, str]]:
    """Yield the files that documents and Python files name, each with its place, as in `docs/tuning.md:12`."""
    for path in [*DOCUMENTS, *(path for folder in CODE for path in (ROOT / folder).rglob("*.py"))]:
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            for name in NAMED_FILE.findall(line):
                yield f"{path.relative_to(ROOT)}:{number}", name


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_between_documents_lead_somewhere(document: Path) -> None:
    """Each relative link names a file, and where it names a section, that is there."""
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        name, _, anchor = target.partition("#")
        if not name.startswith("https:"):
            path = document.parent / name if name else document
            assert path.exists(), target
            assert not anchor or anchor in sections(path), target


def test_files_that_prose_names_exist() -> None:
    """Where a file moves, the documents and docstrings that name it follow."""
    there = [str(path) for folder in (*CODE, "docs") for path in (ROOT / folder).rglob("*")]
    there += [str(path) for path in ROOT.glob("*.*")]
    left = [
        f"{place}: {name}"
        for place, name in named_files()
        if not any(at.endswith(f"/{name}") for at in there)
    ]
    assert not left, "no such file:\n" + "\n".join(left)
