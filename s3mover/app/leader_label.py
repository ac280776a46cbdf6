"""Labels the pod of the leader, so that a Service can select it; off by default: it needs a right in the API."""

import time
from collections.abc import Callable
from typing import Protocol

from s3mover.errors import UnreachableError
from s3mover.events import KubernetesUnavailable, Notify

LEADS = "true"
RETRY_SECONDS = 5.0


class Labels(Protocol):
    """The labels of this pod; see `kubernetes_api.PodLabels`."""

    def set(self, label: str, value: str | None) -> None:
        """Set a label, or remove it."""


class LeaderLabel:
    """Keeps a label of this pod as `leads` says; `clock` is monotonic, in seconds."""

    def __init__(
        self,
        label: str,
        labels: Labels,
        leads: Callable[[], bool],
        notify: Notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._labels = labels
        self._leads = leads
        self._notify = notify
        self._clock = clock
        # Unknown at first: a container that restarts finds the labels of its pod as they were.
        self._labelled: bool | None = None
        self._next_attempt = clock()
        self._announced = False

    def poll(self) -> None:
        """Set or remove the label if leadership has changed; announce the first of several failures."""
        leads = self._leads()
        if leads is self._labelled or self._clock() < self._next_attempt:
            return
        try:
            self._labels.set(self._label, LEADS if leads else None)
        except UnreachableError as error:
            self._next_attempt = self._clock() + RETRY_SECONDS
            if not self._announced:
                self._announced = True
                self._notify(KubernetesUnavailable(str(error)))
            return
        self._labelled, self._announced = leads, False
