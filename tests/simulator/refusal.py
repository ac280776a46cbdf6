"""What a refused boto3 request says."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError


def refused(request: Callable[..., Any], **arguments: Any) -> str:
    """Make a request that must be refused and return the error's code (a status where there is no body)."""
    with pytest.raises(ClientError) as caught:
        request(**arguments)
    code: str = caught.value.response["Error"]["Code"]
    return code


def status_of(request: Callable[..., Any], **arguments: Any) -> int:
    """Make a request and return the status of its answer."""
    try:
        response = request(**arguments)
    except ClientError as error:
        response = error.response
    status: int = response["ResponseMetadata"]["HTTPStatusCode"]
    return status
