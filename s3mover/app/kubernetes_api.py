"""The one request to the Kubernetes API: set a label of this pod, with the token of its service account.

Source: Kubernetes documentation, "Accessing the Kubernetes API from a Pod", and RFC 7386 (JSON Merge Patch).
"""

import http.client
import json
import ssl
from collections.abc import Mapping
from pathlib import Path

from s3mover.errors import SettingsError, UnreachableError

SERVICE_ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
TIMEOUT_SECONDS = 3.0
# Of a token, and of what is read of an answer.
MOST_BYTES = 65_536


class PodLabels:
    """Sets labels of one pod; `folder` holds token, certificate authority and namespace, as a kubelet mounts them.

    Raises:
        SettingsError: this process does not run in a pod with a service account.
    """

    def __init__(self, pod: str, environment: Mapping[str, str], folder: Path = SERVICE_ACCOUNT) -> None:
        try:
            host, port = environment["KUBERNETES_SERVICE_HOST"], int(environment["KUBERNETES_SERVICE_PORT"])
            namespace = (folder / "namespace").read_text("utf-8").strip()
            self._context = ssl.create_default_context(cafile=folder / "ca.crt")
        except (KeyError, ValueError, OSError) as error:
            raise SettingsError(
                [
                    f"kubernetes.leader_label: this process is not in a pod with a service account token ({error!r})"
                ]
            ) from error
        self._address = (host, port)
        self._path = f"/api/v1/namespaces/{namespace}/pods/{pod}"
        self._token = folder / "token"

    def set(self, label: str, value: str | None) -> None:
        """Set a label, or remove it where `value` is None.

        Raises:
            UnreachableError: the API does not answer in time, or refuses.
        """
        body = json.dumps({"metadata": {"labels": {label: value}}})
        connection = http.client.HTTPSConnection(
            *self._address, timeout=TIMEOUT_SECONDS, context=self._context
        )
        try:
            connection.request("PATCH", self._path, body, self._headers())
            answer = connection.getresponse()
            said = answer.read(MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"the Kubernetes API does not answer: {error}") from error
        finally:
            connection.close()
        if answer.status != http.HTTPStatus.OK:
            raise UnreachableError(
                f"the Kubernetes API refused to label this pod: {answer.status} {_reason(said)}"
            )

    def _headers(self) -> dict[str, str]:
        """Return the headers with the token as it is now: a kubelet renews it every hour."""
        with self._token.open(encoding="ascii") as file:
            token = file.read(MOST_BYTES).strip()
        return {"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"}


def _reason(said: bytes) -> str:
    """Return the message of a refusal (a `Status` object), or nothing if it is none."""
    try:
        message = json.loads(said)["message"]
    except (ValueError, KeyError, TypeError):
        return ""
    return str(message)[:500]
