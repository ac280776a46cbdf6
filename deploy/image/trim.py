"""Takes out of the image's environment what no run of s3mover can reach.

Called while the image is built, as `trim.py ENVIRONMENT`. Three things go: the tools that installed the packages;
botocore's descriptions of services that nothing here calls; and second copies of one library, which wheels carry where
a system has links. The MySQL driver's plugins stay: which of them is needed is for the server to say.
"""

import hashlib
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

# S3 itself, and what the AWS default chain asks for credentials. The demo's moto reads the first and the last as well.
SERVICES = frozenset({"s3", "signin", "sso", "sso-oidc", "sts"})
TOOLS = (
    "bin/pip*",
    "lib/python*/site-packages/pip*",
    "lib/python*/site-packages/setuptools*",
    "lib/python*/site-packages/pkg_resources",
    "lib/python*/site-packages/*distutils*",
)


def main(environment: Path) -> None:
    """Trim `environment`, which is a virtual one."""
    packages = next(environment.glob("lib/python*/site-packages"))
    for tool in TOOLS:
        remove(environment.glob(tool))
    remove(path for path in (packages / "botocore" / "data").glob("*/") if path.name not in SERVICES)
    link_equal(packages / "mysql" / "vendor")


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and folders with all that is in them."""
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def link_equal(folder: Path) -> None:
    """Let libraries of equal content be links to the one of the longest name, as their own packages have them."""
    alike = defaultdict(list)
    for path in folder.rglob("*.so.*"):
        alike[path.parent, hashlib.sha256(path.read_bytes()).digest()].append(path)
    for paths in alike.values():
        *others, real = sorted(paths, key=lambda path: (len(path.name), path.name))
        for other in others:
            other.unlink()
            other.symlink_to(real.name)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
