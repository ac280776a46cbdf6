"""Client of the process that receives from the queue (`receiver_main.py`): starts it, and starts it again if it dies.

What it receives is put into the loop's inbox by a thread that reads its pipe. Messages of a process that died are known
to none: they come again when SQS makes them visible.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from s3mover.events import EventsFailed, EventsReceived, MessageUnreadable, Notify, QueueCounted
from s3mover.notifications.messages import (
    COUNTS,
    DELETE,
    END,
    FAILED,
    GIVE_BACK,
    MESSAGE,
    PAUSE,
    QUEUE,
    RECEIVE,
    START,
    UNREADABLE,
    ReceivedMessage,
    ReceiverConfig,
    changes_of,
    config_fields,
)

COMMAND = [sys.executable, "-m", "s3mover.notifications.receiver_main"]
# Pauses before a process that died is started again.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.5, 30.0
# One that lived so long did not die at its start.
STABLE_SECONDS = 60.0
# What a process may take to delete its last messages.
END_SECONDS = 2.0
# How often it is looked whether a reload has changed the configuration.
COMPARE_SECONDS = 5.0


class EventReceiver:
    """Receives the events of one source. All methods belong to one thread, and return at once.

    `config` returns the configuration of a process that is to be started. `deliver` takes messages and `notify` events,
    both on another thread. `clock` is monotonic, in seconds.
    """

    def __init__(
        self,
        config: Callable[[], ReceiverConfig],
        deliver: Callable[[ReceivedMessage], None],
        notify: Notify,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._config = config
        self._deliver = deliver
        self._notify = notify
        self._clock = clock
        self._process: _Process | None = None
        self._start_at = self._pause = 0.0
        self._is_receiving = False
        self._used: ReceiverConfig | None = None
        self._compare_at = 0.0

    @property
    def pid(self) -> int | None:
        """The process id, None while no process runs."""
        return None if self._process is None else self._process.pid

    def receive(self) -> None:
        """Receive messages from now on; called in every turn of the loop, it starts the process anew if it died."""
        if self._process is not None and self._process.has_died:
            self._reap(self._process)
        self._end_if_outdated()
        if self._process is None:
            if self._clock() < self._start_at:
                return
            config = self._config()
            self._process = _Process(config, self._deliver, self._notify, self._clock())
            self._used, self._compare_at = config, self._clock() + COMPARE_SECONDS
            self._is_receiving = False
        if not self._is_receiving:
            self._is_receiving = True
            self._process.send(RECEIVE, None)

    def pause(self) -> None:
        """Receive no more messages until `receive`; messages that were received can still be deleted."""
        if self._is_receiving and self._process is not None:
            self._is_receiving = False
            self._process.send(PAUSE, None)

    def delete(self, messages: Sequence[int]) -> None:
        """Delete messages, which are done; those of a process that died come again."""
        self._send(DELETE, messages)

    def give_back(self, messages: Sequence[int], *, at_once: bool) -> None:
        """Let messages come again: at once, or when SQS makes them visible."""
        if self._process is not None:
            own = self._process.own(messages)
            self._process.send(GIVE_BACK, {"messages": own, "at_once": at_once})

    def close(self) -> None:
        """End the process, after what it was asked for."""
        if self._process is not None:
            self._process.close()
            self._process = None

    def _send(self, kind: str, messages: Sequence[int]) -> None:
        if self._process is not None and (own := self._process.own(messages)):
            self._process.send(kind, own)

    def _end_if_outdated(self) -> None:
        """End a process whose configuration changed, such as its credentials; the next one is started at once."""
        if self._process is None or self._clock() < self._compare_at:
            return
        self._compare_at = self._clock() + COMPARE_SECONDS
        if self._config() != self._used:
            self.close()
            self._is_receiving = False

    def _reap(self, process: "_Process") -> None:
        lived = self._clock() - process.started_at
        self._pause = FIRST_PAUSE_SECONDS if lived >= STABLE_SECONDS else self._next_pause()
        self._start_at = self._clock() + self._pause
        code = process.kill()
        self._process, self._is_receiving = None, False
        self._notify(
            EventsFailed(
                f"the process that receives events ended (exit {code}), and is started again in {self._pause:g} s"
            )
        )

    def _next_pause(self) -> float:
        return min(max(FIRST_PAUSE_SECONDS, 2 * self._pause), LONGEST_PAUSE_SECONDS)


class _Process:
    """One process; its messages are numbered so that none has the number of another process's."""

    _started = 0

    def __init__(
        self,
        config: ReceiverConfig,
        deliver: Callable[[ReceivedMessage], None],
        notify: Notify,
        started_at: float,
    ) -> None:
        self.started_at = started_at
        self.has_died = False
        _Process._started += 1
        self._base = _Process._started << 40
        self._deliver = deliver
        self._notify = notify
        # A process group of its own: Ctrl-C reaches only the supervisor, and `kill` its child processes, too.
        self._popen = subprocess.Popen(  # noqa: S603 - our own module
            COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, process_group=0
        )
        self.pid = self._popen.pid
        self.send(START, config_fields(config))
        threading.Thread(target=self._read, name="events-receiver", daemon=True).start()

    def own(self, messages: Sequence[int]) -> list[int]:
        """Return the process's own numbers of those messages that came from it."""
        return [one - self._base for one in messages if self._base < one < self._base + (1 << 40)]

    def send(self, kind: str, details: Any) -> None:
        """Send a request; if the process has died, its messages come again."""
        with suppress(BrokenPipeError):
            self._pipe.write(json.dumps([kind, details]) + "\n")
            self._pipe.flush()

    def kill(self) -> int:
        """Kill the process and return its exit code."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._popen.wait()
        with suppress(BrokenPipeError):
            self._pipe.close()
        return code

    def close(self) -> None:
        """End the process: it gets a moment to delete what it was asked to."""
        self.send(END, None)
        with suppress(subprocess.TimeoutExpired):
            self._popen.wait(END_SECONDS)
        self.kill()

    @property
    def _pipe(self) -> Any:
        return self._popen.stdin

    def _read(self) -> None:
        answers = self._popen.stdout
        if answers is not None:
            with answers:
                for line in answers:
                    self._take(*json.loads(line))
        self.has_died = True

    def _take(self, kind: str, details: Any) -> None:
        if kind == MESSAGE:
            number, sent_at, changes = details
            self._deliver(ReceivedMessage(self._base + number, sent_at, changes_of(changes)))
        elif kind == COUNTS:
            for name, events in details.items():
                self._notify(EventsReceived(name, events))
        elif kind == UNREADABLE:
            self._notify(MessageUnreadable(*details))
        elif kind == QUEUE:
            self._notify(QueueCounted(**details))
        elif kind == FAILED:
            self._notify(EventsFailed(details))
