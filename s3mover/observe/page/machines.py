"""The machines of the cluster on the status page. Pure."""

from s3mover.observe.page import Status
from s3mover.observe.page.humanize import count
from s3mover.observe.page.markup import escaped, isolated, time_ago


def machines_card(cluster: Status | None, now: str) -> str:
    """Return a table of the machines and the number of ranges; empty in a process that does all the work itself."""
    if cluster is None:
        return ""
    rows = "".join(_machine(machine, now) for machine in cluster["machines"])
    columns = ("Machine", "Range", "Objects/s in the last range", "Since", "Version")
    head = f"<thead><tr>{''.join(f'<th>{column}</th>' for column in columns)}</tr></thead>"
    table = f"<table>{head}<tbody>{rows}</tbody></table>" if rows else ""
    return f'<section class="card"><h2>Machines</h2>{_sentence(cluster)}{table}</section>'


def _machine(machine: Status, now: str) -> str:
    return (
        f"<tr><td>{isolated(machine['machine'])}</td><td>{_range(machine['range'])}</td>"
        f"<td>{'' if machine['rate'] is None else count(round(machine['rate']))}</td>"
        f"<td>{time_ago(machine['since'], now)}</td><td>{escaped(machine['version'])}</td></tr>"
    )


def _range(found: Status | None) -> str:
    if found is None:
        return "idle"
    text = f"{found['number']} of sweep {found['sweep']}"
    return isolated(f"{text}, {found['route']}") if "route" in found else text


def _sentence(cluster: Status) -> str:
    """Return what keeps ranges from machines, or how many ranges there are."""
    ranges = [f"{count(number)} {status}" for status, number in cluster["ranges"].items() if number]
    parts = [cluster["problem"], "" if cluster["machines"] else "No machine is registered."]
    parts += [f"Ranges: {', '.join(ranges)}." if ranges else "", cluster["last_retry"]]
    text = " ".join(filter(None, parts))
    return f'<p class="sentence">{escaped(text)}</p>' if text else ""
