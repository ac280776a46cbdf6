"""Compiles, once and while the image is built, every module that s3mover loads, those of Python itself among them.

The official Python images carry no compiled modules, and a root that cannot be written never gets any: each process
would compile everything again, which doubles the time that it takes to start. The results go to
`$PYTHONPYCACHEPREFIX`, one folder that the image takes along whatever its base is.
"""

import pkgutil
import py_compile
import sys
from importlib import import_module

import boto3

import s3mover


def main() -> None:
    """Load what s3mover loads, then compile all that was loaded."""
    for module in pkgutil.walk_packages(s3mover.__path__, "s3mover."):
        # The demo's packages are not there, and a daemon has no use for it.
        if not module.name.startswith("s3mover.demo"):
            import_module(module.name)
    # botocore loads the rest of itself with the first client.
    boto3.client("s3", region_name="us-east-1", aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
    for loaded in list(sys.modules.values()):
        source = getattr(loaded, "__file__", None)
        if source and source.endswith(".py") and source != __file__:
            # By content, not by time: it holds whenever the files of a layer were written.
            py_compile.compile(
                source, doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH
            )


if __name__ == "__main__":
    main()
