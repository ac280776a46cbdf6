"""s3mover keeps an S3 bucket of another account equal to yours, all the time, with proof."""

from importlib.metadata import version

__version__ = version("s3mover")
