"""The leader on the status page of an instance that stands by. Pure."""

from s3mover.observe.page import Status, humanize
from s3mover.observe.page.markup import escaped, isolated

# A report that is older than this says so in a colour: the leader reports every 2 to 10 seconds.
OLD_SECONDS = 20
# In place of what a leader does not report: this instance's own would read as if nothing had happened.
NOT_REPORTED = '<p class="nothing">See the page of the leader, or s3mover report --failed.</p>'


def with_leader(status: Status) -> Status:
    """Return the status of an instance that stands by with the leader's sweeps as those that are shown."""
    leader = status.get("leader")
    return status if not leader else {**status, "sweep": leader["sweep"], "sweeps": leader["sweeps"]}


def leader_line(leader: Status | None) -> str:
    """Return whose figures follow, where its page is, and how old they are; empty on the leader itself."""
    if not leader:
        return ""
    name = isolated(leader["name"])
    if leader["url"]:
        name = f'<a href="{escaped(leader["url"])}" rel="noreferrer">{name}</a>'
    state = f", {escaped(leader['state'])}" if leader["state"] else ""
    problem = f": {isolated(leader['problem'])}" if leader["problem"] else ""
    css = "alarm" if leader["age_seconds"] > OLD_SECONDS else "soft"
    age = f'<span class="{css}">as of {humanize.duration(leader["age_seconds"])} ago</span>'
    return f'<p class="leader">Leader: {name}{state}{problem} · {age}</p>'
