"""What docker-compose.yml needs before anything else: a password that stands in no file of the project, and settings.

`prepare.py CONFIG FOLDER` draws the database's password where FOLDER has none yet, writes the URL that goes with it,
and lays a copy of CONFIG beside them, where the profile demo puts its own.
"""

import secrets
import shutil
import sys
from pathlib import Path

DSN = "mysql://s3mover:{password}@mysql:3306/s3mover"
# Nobody else is on the volume; the database's own user reads it too.
READABLE = 0o644


def main(config: Path, folder: Path) -> None:
    """Fill `folder`."""
    password = folder / "password"
    if not password.exists():
        write(password, secrets.token_urlsafe(32))
    write(folder / "dsn", DSN.format(password=password.read_text(encoding="ascii")))
    shutil.copyfile(config, folder / "config.yaml")


def write(path: Path, text: str) -> None:
    """Write a file whole, or not at all."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text, encoding="ascii")
    unfinished.chmod(READABLE)
    unfinished.replace(path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
