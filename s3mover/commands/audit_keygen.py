"""The `audit keygen` command: makes the key that signs seals."""

from pathlib import Path

from s3mover.audit.signatures import make_key
from s3mover.commands.each_route import Echo
from s3mover.errors import ExitCode


def keygen(path: Path, echo: Echo) -> ExitCode:
    """Write a private key to `path`, and its public key beside it.

    Raises:
        SettingsError: see `make_key`.
    """
    public = make_key(path)
    echo(
        f"private key: {path} (set audit.signing_key_file to it, and keep it from whoever can write the database)"
    )
    echo(f"public key:  {public} (give it to whoever verifies: s3mover audit verify --public-key {public})")
    return ExitCode.OK
