"""The handle of the process that asks boto3 (`identity.py`): started early, asked, and ended once it has answered."""

import json
import os
import signal
import subprocess
import sys
from collections import deque
from contextlib import suppress
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from s3mover.errors import UnreachableError
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.access import Found, SideAccess

COMMAND = [sys.executable, "-m", "s3mover.s3.identity"]


class Clerk:
    """A process with boto3 in it, loading as soon as this is made; a context manager. Belongs to one thread.

    Questions and answers, secrets among them, go through pipes that nobody else can read.
    """

    def __init__(self) -> None:
        self._asked: deque[SideAccess] = deque()
        self._answers: dict[SideAccess, dict[str, Any] | None] = {}
        # A group of its own: Ctrl-C is the supervisor's to take, and what it starts ends with it.
        self._process = subprocess.Popen(  # noqa: S603 - our own module
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, access: SideAccess) -> None:
        """Let one side be looked for; `find` will not have to wait for all of it."""
        self._asked.append(access)
        try:
            self._pipes[0].write(json.dumps(asdict(access)) + "\n")
            self._pipes[0].flush()
        except BrokenPipeError:
            # It has died: the answer, which does not come, says so.
            return

    def find(self, access: SideAccess) -> Found:
        """Find one side's credentials and address.

        Raises:
            UnreachableError: see `identity.find`.
        """
        if access not in self._asked and access not in self._answers:
            self.ask(access)
        while access not in self._answers:
            self._answers[self._asked.popleft()] = self._answer()
        answer = self._answers.pop(access)
        if answer is None:
            raise UnreachableError(
                f"{access.side}: the process that looks for credentials ended unexpectedly"
            )
        if "error" in answer:
            raise UnreachableError(answer["error"])
        return Found(BucketAddress(*answer["address"]), Credentials(*answer["credentials"]))

    def close(self) -> None:
        """End the process, and what it may have started to find credentials; may be called again."""
        if self._process.returncode is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        with suppress(BrokenPipeError):
            self._pipes[0].close()
        self._pipes[1].close()

    def _answer(self) -> dict[str, Any] | None:
        line = self._pipes[1].readline()
        answer: dict[str, Any] | None = json.loads(line) if line else None
        return answer

    @property
    def _pipes(self) -> tuple[Any, Any]:
        return self._process.stdin, self._process.stdout


def find(access: SideAccess) -> Found:
    """Find one side by a clerk of its own; see `Clerk.find`."""
    with Clerk() as clerk:
        return clerk.find(access)
