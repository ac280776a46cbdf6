"""A replacement of the base image, `python:X.Y-slim`, made of this machine's own files, without a registry.

It holds what the Dockerfile needs: this Python below /usr/local, a shell with the commands that are used, the C
library's family, the CA certificates, and the way to the package index. Nothing is downloaded.
"""

import os
import re
import shutil
import ssl
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from pathlib import Path

COMMANDS = ("sh", "cat", "env", "id", "install", "ls", "rm", "sleep", "touch")
# What wheels are linked with (PEP 600), beside what the interpreter itself needs.
FAMILY = re.compile(r"lib(anl|c|dl|gcc_s|m|nss_dns|nss_files|pthread|resolv|rt|stdc\+\+|util)\.so\.\d+")
LEFT_OUT = ("__pycache__", "site-packages", "dist-packages", "test", "idlelib", "tkinter", "config-*", "*.a")
FOLDERS = (
    "dev",
    "etc/ssl/certs",
    "proc",
    "root",
    "run",
    "sys",
    "tmp",
    "usr/bin",
    "usr/lib",
    "usr/sbin",
    "usr/local/bin",
)
MERGED = ("bin", "lib", "lib64", "sbin")
INDEX_VARIABLES = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_PROXY")


def make_root(root: Path) -> None:
    """Fill the empty folder `root` with the base image's files."""
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for name in MERGED:
        (root / "usr" / name).mkdir(exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
    (root / "tmp").chmod(0o1777)
    _python(root / "usr/local")
    programs = [Path(path) for command in COMMANDS if (path := shutil.which(command, path="/usr/bin:/bin"))]
    for program in programs:
        _copy(program, root)
    modules = (root / "usr/local").rglob("*.so")
    for library in _libraries([Path(sys.executable).resolve(), *programs, *modules]):
        _copy(library, root)
    _settings(root / "etc")


def _python(prefix: Path) -> None:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    home = Path(sysconfig.get_path("stdlib"))
    shutil.copytree(home, prefix / "lib" / version, symlinks=True, ignore=shutil.ignore_patterns(*LEFT_OUT))
    (prefix / "lib" / version / "site-packages").mkdir()
    shutil.copy2(Path(sys.executable).resolve(), prefix / "bin" / version)
    for name in ("python3", "python"):
        (prefix / "bin" / name).symlink_to(version)
    # The wheels that `python -m venv` installs pip from; Debian keeps them beside the library.
    if (wheels := Path("/usr/share/python-wheels")).is_dir():
        shutil.copytree(wheels, prefix.parent / "share/python-wheels")


def _libraries(binaries: Iterable[Path]) -> Iterator[Path]:
    said = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    found = {Path(place) for place in re.findall(r"(?:=> |^\t)(/\S+) \(0x", said, re.MULTILINE)}
    folders = {path.parent for path in found if path.name.startswith("libc.so")}
    yield from found
    yield from (path for folder in folders for path in folder.iterdir() if FAMILY.fullmatch(path.name))


def _copy(path: Path, root: Path) -> None:
    """Copy a file to the same place below `root`; the file itself, where it is a link."""
    place = root / str(path).lstrip("/")
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.exists():
        shutil.copy2(path, place)


def _settings(etc: Path) -> None:
    (etc / "passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (etc / "group").write_text("root:x:0:\n")
    (etc / "nsswitch.conf").write_text("hosts: files dns\n")
    _copy(Path("/etc/ld.so.cache"), etc.parent)
    authorities = etc / "ssl/certs/ca-certificates.crt"
    shutil.copy(ssl.get_default_verify_paths().cafile or "/etc/ssl/certs/ca-certificates.crt", authorities)
    options = [f"cert = /{authorities.relative_to(etc.parent)}", "timeout = 120"]
    options += [
        f"{variable.removeprefix('PIP_').lower().replace('_', '-')} = {value}"
        for variable in INDEX_VARIABLES
        if (value := os.environ.get(variable))
    ]
    (etc / "pip.conf").write_text("\n".join(["[global]", *options, ""]))
