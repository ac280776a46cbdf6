"""Compiles every module that s3mover loads, including those of Python itself, while the image is built.

The official Python images contain no compiled modules, and none can be written to a read-only root file system: each
process would compile everything again, which doubles its start-up time. The results go to `$PYTHONPYCACHEPREFIX`, one
folder that is copied to the image whatever its base is.
"""

import pkgutil
import py_compile
import sys
from importlib import import_module

import boto3

import s3mover

# Its packages are not installed here; those of scaling out are.
DEMO = "s3mover.demo"


def main() -> None:
    """Load what s3mover loads, then compile every loaded module."""
    for module in pkgutil.walk_packages(s3mover.__path__, "s3mover."):
        if not module.name.startswith(DEMO):
            import_module(module.name)
    # botocore loads the rest of itself with the first client.
    boto3.client("s3", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
    for loaded in list(sys.modules.values()):
        source = getattr(loaded, "__file__", None)
        if source and source.endswith(".py") and source != __file__:
            # Valid whatever the modification times of the files in a layer are.
            py_compile.compile(
                source, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
            )


if __name__ == "__main__":
    main()
