"""Errors for responses, and bodies, that are not what the protocol says."""

from s3mover.errors import S3Error


def invalid_response(message: str) -> S3Error:
    """Return the temporary error for a response that is malformed or not the one asked for."""
    return S3Error("InvalidResponse", message, temporary=True)


def incomplete_body(message: str) -> S3Error:
    """Return the temporary error for a body that ended early."""
    return S3Error("IncompleteBody", message, temporary=True)
