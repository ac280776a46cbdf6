"""The process that receives from the queue: long polls, deletions, extended visibility. `receiver.py` is its client.

boto3's core costs some 40 MB, and messages are hostile: both stay out of the supervisor. A message that is not deleted
or given back stays invisible for as long as this process lives, which is as long as the supervisor does.
"""

import json
import os
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from queue import SimpleQueue
from typing import Any, TextIO

from s3mover.errors import ExitCode, UnreachableError
from s3mover.helper_process import end_with_client
from s3mover.notifications.held_messages import VISIBILITY_SECONDS, HeldMessages
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
    ReceiverConfig,
    config_of,
)
from s3mover.notifications.parsing import ParsedMessage, UnreadableMessageError, parse
from s3mover.notifications.sqs import Queue, RawMessage

EXTEND_SECONDS = 5.0
# How often the messages of the queue are counted: each time costs two requests, if there is a dead-letter queue.
COUNT_SECONDS = 60.0
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 1.0, 30.0
GATHER_SECONDS = 0.02
MAX_REASON = 200


class ReceiverProcess:
    """Receives from one queue and reports to `send`, which takes a kind and its details, from any thread."""

    def __init__(self, config: ReceiverConfig, queue: Queue, send: Callable[[str, Any], None]) -> None:
        self._config = config
        self._queue = queue
        self._send = send
        self._held = HeldMessages(time.monotonic)
        self._done: SimpleQueue[list[int] | None] = SimpleQueue()
        self._deleter = threading.Thread(target=self._delete_always, name="deleter", daemon=True)

    def start(self) -> None:
        """Start the threads, which wait until messages are to be received."""
        targets = [self._receive_always] * self._config.receivers + [self._extend_always, self._count_always]
        for target in targets:
            threading.Thread(target=target, name=target.__name__.strip("_"), daemon=True).start()
        self._deleter.start()

    def handle(self, kind: str, details: Any) -> None:
        """Do what the supervisor asks for."""
        if kind in (RECEIVE, PAUSE):
            self._held.receive(is_receiving=kind == RECEIVE)
        elif kind == DELETE:
            self._done.put(details)
        elif kind == GIVE_BACK:
            self._give_back(details["messages"], at_once=details["at_once"])

    def finish(self) -> None:
        """Wait until what was to be deleted is deleted."""
        self._done.put(None)
        self._deleter.join()

    def _receive_always(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while True:
            self._held.wait_for_room()
            asked_at = time.monotonic()
            try:
                messages = self._queue.receive()
            except UnreachableError as error:
                self._held.received([], asked_at)
                self._send(FAILED, str(error))
                time.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                continue
            pause = FIRST_PAUSE_SECONDS
            self._take(messages, asked_at)

    def _take(self, messages: Sequence[RawMessage], asked_at: float) -> None:
        numbers = self._held.received([(one.handle, one.sent_at) for one in messages], asked_at)
        for number, message in zip(numbers, messages, strict=True):
            try:
                parsed = parse(message.body, self._config.bucket, self._config.prefix)
            except UnreadableMessageError as error:
                # It is left to the queue's dead-letter policy: neither deleted nor extended.
                self._held.take([number])
                self._send(UNREADABLE, [message.id, str(error)[:MAX_REASON]])
            else:
                self._report(number, message.sent_at, parsed)

    def _report(self, number: int, sent_at: float, parsed: ParsedMessage) -> None:
        counts = Counter(str(change.kind) for change in parsed.changes) + parsed.ignored
        self._send(COUNTS, dict(counts))
        if parsed.changes:
            self._send(MESSAGE, [number, sent_at, [list(change) for change in parsed.changes]])
        else:
            self._done.put([number])

    def _delete_always(self) -> None:
        is_last = False
        while not is_last:
            gathered = [self._done.get()]
            # SQS deletes up to ten messages per request: a moment later there may be more.
            time.sleep(GATHER_SECONDS)
            while not self._done.empty():
                gathered.append(self._done.get())
            is_last = None in gathered
            numbers = [number for numbers in gathered if numbers is not None for number in numbers]
            if handles := self._held.take(numbers):
                self._try("delete", partial(self._queue.delete, handles))

    def _give_back(self, numbers: list[int], *, at_once: bool) -> None:
        handles = self._held.take(numbers)
        if at_once and handles:
            self._try("give back", partial(self._queue.make_visible_in, 0, handles))

    def _extend_always(self) -> None:
        while True:
            time.sleep(EXTEND_SECONDS)
            expiring = self._held.expiring()
            asked_at = time.monotonic()
            extend = partial(self._queue.make_visible_in, VISIBILITY_SECONDS, list(expiring.values()))
            if expiring and self._try("keep", extend):
                self._held.extended(expiring, asked_at)

    def _count_always(self) -> None:
        while True:
            try:
                counts: dict[str, Any] = dict(self._queue.counts())
            except UnreachableError:
                # Counting is a right of its own, and not needed to receive.
                counts = dict.fromkeys(("visible", "in_flight", "delayed", "dead_letter"))
            oldest = self._held.oldest_sent_at()
            age = 0.0 if oldest is None else max(0.0, time.time() - oldest)
            self._send(QUEUE, counts | {"oldest": age})
            time.sleep(COUNT_SECONDS)

    def _try(self, what: str, request: Callable[[], int]) -> bool:
        """Make a request about messages; if it fails, they come again, which is announced."""
        try:
            failed = request()
        except UnreachableError as error:
            self._send(FAILED, str(error))
            return False
        if failed:
            self._send(FAILED, f"SQS refused to {what} {failed} messages: they come again")
        return True


def serve(requests: TextIO, answers: TextIO) -> None:
    """Receive as the lines of `requests` say, and write what comes to `answers`."""
    lock = threading.Lock()

    def send(kind: str, details: Any) -> None:
        # The supervisor may be gone: then this process is killed in a moment.
        with lock, suppress(BrokenPipeError):
            answers.write(json.dumps([kind, details]) + "\n")
            answers.flush()

    process: ReceiverProcess | None = None
    for line in requests:
        kind, details = json.loads(line)
        if kind == START:
            config = config_of(details)
            try:
                process = ReceiverProcess(config, Queue(config), send)
            except UnreachableError as error:
                send(FAILED, str(error))
                return
            process.start()
        elif process is not None and kind == END:
            process.finish()
            return
        elif process is not None:
            process.handle(kind, details)


def main() -> None:
    """Run the process until its client asks for its end, or closes the pipe of requests."""
    # An internal error must not leave a process that looks alive and receives nothing.
    threading.excepthook = _die
    end_with_client(sys.stdin.fileno())
    with suppress(BrokenPipeError):
        serve(sys.stdin, sys.stdout)


def _die(error: threading.ExceptHookArgs) -> None:
    traceback.print_exception(error.exc_value)
    os._exit(ExitCode.INTERNAL_ERROR)


if __name__ == "__main__":
    main()
