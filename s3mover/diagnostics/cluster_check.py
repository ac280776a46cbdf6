"""The test of `check` for many machines: the scheduler answers, machines are there and alike, the certificate lasts."""

from collections import Counter
from datetime import UTC, datetime, timedelta

from s3mover import __version__
from s3mover.diagnostics.check_results import CheckWarning
from s3mover.scale.extra import require_extra
from s3mover.scale.messages import Machine
from s3mover.settings.model import ScaleSettings

# A certificate that ends sooner is a warning.
ENDS_SOON = timedelta(days=14)


def check_cluster(scale: ScaleSettings, now: float) -> str:
    """Return what was found.

    Raises:
        CheckWarning: no machine is there, one has another version, or the certificate ends soon.
        SettingsError: the extra is not installed, or a file of the certificate cannot be used.
        UnreachableError: the scheduler cannot be reached.
    """
    require_extra("scale.scheduler")
    from s3mover.scale.inspection import inspect_cluster  # noqa: PLC0415 - only with the extra

    found = inspect_cluster(scale)
    end = found.certificate_end
    text = f"the scheduler answers; {_machines(found.machines)}"
    text += f"; this certificate is valid until {end:%Y-%m-%d %H:%M} UTC" if end else "; without TLS"
    advice = _advice(found.machines)
    if end and end - datetime.fromtimestamp(now, UTC) < ENDS_SOON:
        advice.append("renew the certificate")
    if advice:
        raise CheckWarning(f"{text}; {', '.join(advice)}")
    return text


def _machines(machines: tuple[Machine, ...]) -> str:
    count = "1 machine" if len(machines) == 1 else f"{len(machines)} machines"
    versions = sorted(Counter(machine.version for machine in machines).items())
    return (
        f"{count} ({', '.join(f'{number} x {version}' for version, number in versions)})"
        if versions
        else count
    )


def _advice(machines: tuple[Machine, ...]) -> list[str]:
    if not machines:
        return ["start machines with `s3mover worker`, or sweeps wait"]
    others = sorted(machine.name for machine in machines if machine.version != __version__)
    if others:
        return [
            f"run {__version__}, the version of this program, on {', '.join(others)}: they refuse all ranges"
        ]
    return []
