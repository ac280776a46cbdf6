"""Copies new and changed objects from an S3 bucket to a bucket of another account, with an audit trail."""

# Written out, because asking the installed package's metadata takes each process 25 milliseconds.
__version__ = "0.1.0"
