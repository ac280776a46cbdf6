"""How results are told: the table on the terminal and in the documentation, and the file of figures."""

import json
import os
import platform
from collections.abc import Iterable, Mapping
from pathlib import Path

from bench.figures import Figure, Goal, Result, as_json, from_json

BEGIN, END = "<!-- figures: written by make bench -->", "<!-- end of figures -->"


def table(results: Iterable[Result]) -> str:
    """Write all figures and goals as Markdown, which reads well on a terminal, too."""
    results = list(results)
    head = ["benchmark", "case", "who", "median", "rounds", "CPU/item", "server CPU/item", "memory", ""]
    rows = [_row(one) for result in results for one in result.figures]
    goals = [_goal(one) for result in results for one in result.goals]
    return f"{_grid(head, rows)}\n\n{_grid(['goal of', 'goal', 'wanted', 'got', ''], goals)}\n"


def read_figures(path: Path) -> dict[str, Result]:
    """Return what was written by `write_figures`, nothing where there is no file."""
    if not path.exists():
        return {}
    return {name: from_json(found) for name, found in json.loads(path.read_text())["results"].items()}


def write_figures(results: Mapping[str, Result], path: Path) -> None:
    """Write the figures as JSON, with what they were measured on."""
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "python": platform.python_version()}
    found = {"machine": machine, "results": {name: as_json(result) for name, result in results.items()}}
    path.write_text(json.dumps(found, indent=1) + "\n")


def write_page(text: str, page: Path) -> None:
    """Put the table between its marks on a page of the documentation."""
    before, _, rest = page.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n{text}{END}{after}")


def _row(one: Figure) -> list[str]:
    if not any(one.rounds):
        return [one.bench, one.case, one.who, "-", "", "", "", "", one.note]
    return [
        one.bench,
        one.case,
        one.who,
        f"{number(one.value)} {one.unit}",
        f"{number(min(one.rounds))} to {number(max(one.rounds))}",
        f"{number(one.cpu_us)} us" if one.cpu_us else "",
        f"{number(one.server_us)} us" if one.server_us else "",
        f"{one.peak / 1e6:.0f} MB" if one.peak else "",
        one.note,
    ]


def _goal(one: Goal) -> list[str]:
    bound = "at least" if one.least else "at most"
    return [
        one.bench,
        one.text,
        f"{bound} {one.wanted:g}",
        f"{one.got:.3g}",
        "met" if one.met else "**missed**",
    ]


def number(value: float) -> str:
    """Write a figure as people read it: whole numbers with their thousands apart, small ones to three digits."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _grid(head: list[str], rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [head, ["-" * width for width in widths], *rows]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)
