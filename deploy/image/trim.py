"""Takes out of the image's environment what no run of s3mover can reach.

Called while the image is built, as `trim.py ENVIRONMENT`. Three things go: the tools that installed the packages;
botocore's descriptions of services that nothing here calls; and the MySQL driver in C with its libraries, because
`s3mover.audit.mysql_options` uses the one in Python alone.
"""

import shutil
import sys
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
DRIVER_IN_C = ("_mysql*.so", "mysql/vendor")


def main(environment: Path) -> None:
    """Trim `environment`, which is a virtual one."""
    packages = next(environment.glob("lib/python*/site-packages"))
    for tool in TOOLS:
        remove(environment.glob(tool))
    remove(path for path in (packages / "botocore" / "data").glob("*/") if path.name not in SERVICES)
    for part in DRIVER_IN_C:
        remove(packages.glob(part))


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and folders with all that is in them."""
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
