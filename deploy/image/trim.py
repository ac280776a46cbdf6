"""Removes from the image's environment what s3mover never uses.

Called while the image is built, as `trim.py ENVIRONMENT`. It removes the tools that installed the packages; botocore's
data of services that are never called; and the MySQL driver's C extension with its libraries, because
`s3mover.audit.mysql_options` selects the pure Python driver.
"""

import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

# S3, SQS for events, and the services that the AWS default chain calls for credentials. The demo's moto reads those of
# s3, sqs and sts, too.
SERVICES = frozenset({"s3", "signin", "sqs", "sso", "sso-oidc", "sts"})
TOOLS = (
    "bin/pip*",
    "lib/python*/site-packages/pip*",
    "lib/python*/site-packages/setuptools*",
    "lib/python*/site-packages/pkg_resources",
    "lib/python*/site-packages/*distutils*",
)
DRIVER_IN_C = ("_mysql*.so", "mysql/vendor")


def main(environment: Path) -> None:
    """Trim the virtual environment `environment`."""
    packages = next(environment.glob("lib/python*/site-packages"))
    for tool in TOOLS:
        remove(environment.glob(tool))
    remove(path for path in (packages / "botocore" / "data").glob("*/") if path.name not in SERVICES)
    for part in DRIVER_IN_C:
        remove(packages.glob(part))


def remove(paths: Iterable[Path]) -> None:
    """Remove files, and folders with their content."""
    for path in list(paths):
        shutil.rmtree(path) if path.is_dir() else path.unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
