"""Prepares the volume that services of a compose file share: database password, database URL and settings.

`prepare.py CONFIG FOLDER` generates the database password unless FOLDER has one, writes the database URL with it, and
copies CONFIG to FOLDER; the demo replaces that copy with its own.
"""

import secrets
import shutil
import sys
from pathlib import Path

DSN = "mysql://s3mover:{password}@mysql:3306/s3mover"
# Only the services mount the volume, and the database's user reads the password, too.
READABLE = 0o644


def main(config: Path, folder: Path) -> None:
    """Write password, URL and settings to `folder`."""
    password = folder / "password"
    if not password.exists():
        write(password, secrets.token_urlsafe(32))
    write(folder / "dsn", DSN.format(password=password.read_text(encoding="ascii")))
    shutil.copyfile(config, folder / "config.yaml")


def write(path: Path, text: str) -> None:
    """Write a file atomically."""
    unfinished = path.with_suffix(".new")
    unfinished.write_text(text, encoding="ascii")
    unfinished.chmod(READABLE)
    unfinished.replace(path)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
