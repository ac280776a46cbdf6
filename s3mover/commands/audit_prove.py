"""The `audit prove` command: prints the proof of a row, which can be checked without the database."""

from contextlib import closing

from s3mover.audit.opening import open_seal_reader
from s3mover.audit.row_proof import ProofError, prove_row
from s3mover.commands.each_route import Echo
from s3mover.errors import ExitCode
from s3mover.observe.text import to_json
from s3mover.settings import Settings


def prove(settings: Settings, echo: Echo, key: str, sweep: int) -> ExitCode:
    """Print the proof of the newest row of an object whose sweep is sealed, or of its newest row in one sweep.

    Raises:
        MoverError: the audit database cannot be read.
    """
    with closing(open_seal_reader(settings.audit.url.value)) as reader:
        found = reader.newest_row(key, sweep)
        if found is None:
            echo(f"no row of {key!r} {f'in sweep {sweep}' if sweep else 'in a sealed sweep'}")
            return ExitCode.SOME_FAILED
        try:
            proof = prove_row(reader, *found)
        except ProofError as error:
            echo(str(error))
            return ExitCode.SOME_FAILED
    echo(to_json(proof).decode())
    return ExitCode.OK
