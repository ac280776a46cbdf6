"""s3mover keeps an S3 bucket of another account equal to yours, all the time, with proof."""

# Written out, because asking the installed package's metadata takes each process 25 milliseconds.
__version__ = "0.1.0"
