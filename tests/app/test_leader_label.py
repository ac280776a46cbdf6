"""The label of the leader's pod: when it is set, and the request to a Kubernetes API that is small and speaks TLS."""

import json
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from s3mover.app import kubernetes_api
from s3mover.app.kubernetes_api import PodLabels
from s3mover.app.leader_label import RETRY_SECONDS, LeaderLabel
from s3mover.errors import SettingsError, UnreachableError
from s3mover.events import Event, KubernetesUnavailable
from simulator.certificates import make_identity

LABEL = "s3mover.io/leader"


class Api:
    """An API server that knows one token, and records what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.token, self.requests = "first", list[tuple[str, str | None, object]]()
        identity = make_identity(folder)
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_PATCH(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.requests.append((self.path, self.headers["Content-Type"], body))
                permitted = self.headers["Authorization"] == f"Bearer {api.token}"
                answer = json.dumps(
                    {"kind": "Pod"} if permitted else {"message": "pods is forbidden"}
                ).encode()
                self.send_response(200 if permitted else 403)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(identity.certificate_file, identity.key_file)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        self.ca_file = Path(identity.ca_file)
        self.environment = {
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(self.server.server_port),
        }


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """Return a running API server."""
    api = Api(tmp_path)
    thread = threading.Thread(target=api.server.serve_forever)
    thread.start()
    yield api
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.fixture
def account(api: Api, tmp_path: Path) -> Path:
    """Return the folder that a kubelet mounts."""
    folder = tmp_path / "account"
    folder.mkdir()
    (folder / "token").write_text("first\n")
    (folder / "namespace").write_text("storage")
    (folder / "ca.crt").write_bytes(api.ca_file.read_bytes())
    return folder


def test_the_label_is_set_and_removed_by_a_merge_patch(api: Api, account: Path) -> None:
    """With the token as it is now: a kubelet renews it."""
    labels = PodLabels("s3mover-0", api.environment, account)
    labels.set(LABEL, "true")
    api.token = "second"
    (account / "token").write_text("second")
    labels.set(LABEL, None)
    path, kind = "/api/v1/namespaces/storage/pods/s3mover-0", "application/merge-patch+json"
    assert api.requests == [
        (path, kind, {"metadata": {"labels": {LABEL: "true"}}}),
        (path, kind, {"metadata": {"labels": {LABEL: None}}}),
    ]


def test_a_refusal_is_said_without_the_token(api: Api, account: Path) -> None:
    """As the API words it."""
    (account / "token").write_text("very-secret")
    with pytest.raises(UnreachableError, match="403 pods is forbidden") as refused:
        PodLabels("s3mover-0", api.environment, account).set(LABEL, "true")
    assert "very-secret" not in str(refused.value)


def test_an_api_of_another_authority_gets_no_token(api: Api, account: Path, tmp_path: Path) -> None:
    """The certificate is verified before anything is sent."""
    other = tmp_path / "other"
    other.mkdir()
    (account / "ca.crt").write_bytes(Path(make_identity(other).ca_file).read_bytes())
    with pytest.raises(UnreachableError, match="certificate"):
        PodLabels("s3mover-0", api.environment, account).set(LABEL, "true")
    assert api.requests == []


def test_an_api_that_is_silent_is_not_waited_for(
    account: Path, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others do their work on the same thread."""
    api.server.shutdown()
    monkeypatch.setattr(kubernetes_api, "TIMEOUT_SECONDS", 0.2)
    with pytest.raises(UnreachableError, match="timed out"):
        PodLabels("s3mover-0", api.environment, account).set(LABEL, "true")


def test_outside_of_a_pod_the_setting_is_refused(account: Path, api: Api) -> None:
    """With its name."""
    for environment, folder in (({}, account), (api.environment, account / "none")):
        with pytest.raises(SettingsError, match="leader_label"):
            PodLabels("s3mover-0", environment, folder)


class Labels:
    """Labels that record, and fail while `works` is False."""

    def __init__(self) -> None:
        self.works, self.values = True, list[str | None]()

    def set(self, label: str, value: str | None) -> None:
        if not self.works:
            raise UnreachableError("the Kubernetes API does not answer")
        assert label == LABEL
        self.values.append(value)


def test_the_label_follows_the_lease_and_failures_are_said_once() -> None:
    """At first it is removed: a container that restarts finds its pod as it left it."""
    labels, events, state = Labels(), list[Event](), {"now": 0.0, "leads": False}
    label = LeaderLabel(LABEL, labels, lambda: bool(state["leads"]), events.append, lambda: state["now"])
    for leads in (False, True, True, False):
        state["leads"] = leads
        label.poll()
    assert labels.values == [None, "true", None]
    labels.works, state["leads"] = False, True
    for _ in range(3):
        label.poll()
        state["now"] += RETRY_SECONDS
    labels.works = True
    label.poll()
    assert labels.values[3:] == ["true"]
    assert events == [KubernetesUnavailable("the Kubernetes API does not answer")]
