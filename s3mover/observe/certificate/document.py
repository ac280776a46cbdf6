"""The certificate as an HTML document that needs nothing else, and prints on A4. Pure.

Every text passes through `escaped`: keys come from whoever may write to the buckets.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from s3mover.observe.certificate.style import STYLE
from s3mover.observe.page.markup import escaped, isolated
from s3mover.observe.text import human_size

Facts = Mapping[str, Any]

_VERDICTS = {
    "equal": ("Every object of the source is at the destination, with the same content.", "good"),
    "unproven": ("Nothing differs, but the content of some objects could not be compared.", "fair"),
    "different": ("The destination differs from the source.", "bad"),
}


def render(facts: Facts) -> str:
    """Return the document."""
    pair = facts["pair"]
    title = f"Certificate: {_address(pair, 'source')} → {_address(pair, 'destination')}"
    body = "".join(
        [
            *_heading(facts),
            *_counts(facts),
            *_objects("Differences", facts["differences"], facts["difference_count"]),
            *_objects("Not proven", facts["unproven"], facts["unproven_count"]),
            *_objects("Only at the destination", facts["extra"], facts["extra_count"]),
            *_trail(facts["trail"]),
            *_method(facts),
            *_settings(facts["settings"]),
        ]
    )
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escaped(title)}</title>'
        f"<style>{STYLE}</style></head>\n<body><main>{body}</main></body></html>\n"
    )


def _address(pair: Facts, side: str) -> str:
    return f"s3://{pair[f'{side}_bucket']}/{pair[f'{side}_prefix']}"


def _heading(facts: Facts) -> Iterator[str]:
    sentence, tone = _VERDICTS[facts["result"]]
    pair = facts["pair"]
    yield "<header><h1>Certificate of comparison</h1>"
    yield f"<p class='pair'>{isolated(_address(pair, 'source'))}<br>→ {isolated(_address(pair, 'destination'))}</p>"
    yield f"<p class='when'>Compared from {_moment(facts['began_at'])} to {_moment(facts['ended_at'])} UTC by "
    yield f"{escaped(facts['version'])}</p></header>"
    yield f"<section class='verdict {tone}'><strong>{escaped(facts['result'])}</strong><p>{sentence}</p></section>"


def _counts(facts: Facts) -> Iterator[str]:
    objects = facts["objects"]
    yield "<section><h2>What was compared</h2>"
    yield _table(
        ("Result", "Objects", "Meaning"),
        (
            (
                "equal",
                _number(objects["equal"]),
                "the contents are equal, proven by checksums (or bytes, with --deep)",
            ),
            (
                "unproven",
                _number(objects["unproven"]),
                "sizes agree, and no checksum of both sides can be compared",
            ),
            (
                "different",
                _number(objects["different"]),
                "content, size or time says that the copy is another one",
            ),
            ("missing", _number(objects["missing"]), "at the source, and not at the destination"),
            ("extra", _number(objects["extra"]), "at the destination only"),
        ),
    )
    yield "<h2>Both listings</h2>"
    sides = ("source", facts["source"]), ("destination", facts["destination"])
    yield _table(
        ("", "Objects", "Bytes", "Store"),
        (
            (
                name,
                _number(side["objects"]),
                f"{_number(side['bytes'])} ({human_size(side['bytes'])})",
                side["store"],
            )
            for name, side in sides
        ),
    )
    yield "<p>Merkle roots over the listings (key below the prefix, size and ETag of each object; docs/proof.md):</p>"
    yield _definitions((name, side["root"]) for name, side in sides)
    yield "</section>"


def _objects(heading: str, listed: Sequence[Facts], count: int) -> Iterator[str]:
    if not count:
        return
    yield f"<section><h2>{heading}: {_number(count)}</h2>"
    yield _table(
        ("Key", "Result", "Reason"), ((one["key"], one["result"], one["reason"]) for one in listed), wide=True
    )
    if count > len(listed):
        yield f"<p>The first {_number(len(listed))} are listed.</p>"
    yield "</section>"


def _trail(trail: Facts) -> Iterator[str]:
    yield "<section><h2>The audit trail</h2>"
    newest = trail["newest_seal"]
    if newest is None:
        yield "<p>It has no seal of this pair.</p></section>"
        return
    state = "intact" if trail["intact"] else f"{trail['finding_count']} findings"
    yield f"<p>Seals: {_number(trail['seals'])}; rows verified: {_number(trail['rows'])}; <strong>{state}</strong>.</p>"
    yield _definitions(
        (
            ("newest seal", f"{newest['number']} of {newest['sealed_at']} UTC"),
            ("its hash", newest["hash"]),
            ("evidence", "; ".join(trail["evidence"])),
        )
    )
    yield "".join(f"<p class='finding'>{escaped(line)}</p>" for line in trail["findings"])
    yield "</section>"


def _method(facts: Facts) -> Iterator[str]:
    yield "<section><h2>How it was compared</h2><p>Both buckets were listed in full. Contents count as equal if their "
    yield "ETags are MD5s of the content and agree, or else a full-object checksum or MD5 that both sides report"
    yield ", or else their bytes, which were read.</p>" if facts["deep"] else ".</p>"
    yield "<p>The listings are not a snapshot: what changed while they were read is compared as it was found.</p>"
    yield "</section>"


def _settings(settings: Mapping[str, object]) -> Iterator[str]:
    yield "<section><h2>Settings that differ from their defaults</h2>"
    yield _definitions(settings.items())
    yield "<p>Secrets are not shown.</p></section>"


def _table(heads: Sequence[str], rows: Iterable[Sequence[object]], *, wide: bool = False) -> str:
    head = "".join(f"<th>{escaped(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{isolated(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return (
        f"<table{' class=wide' if wide else ''}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    )


def _definitions(pairs: Iterable[tuple[str, object]]) -> str:
    return f"<dl>{''.join(f'<dt>{escaped(name)}</dt><dd>{isolated(str(value))}</dd>' for name, value in pairs)}</dl>"


def _moment(text: str) -> str:
    return escaped(text[:19].replace("T", " "))


def _number(count: int) -> str:
    return f"{count:,}"
