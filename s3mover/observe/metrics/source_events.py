"""Updates the metrics of the source's events, and of the lag of all objects."""

import math

from s3mover.events import EventsFailed, EventsReceived, LagMeasured, MessageUnreadable, QueueCounted
from s3mover.observe.handlers import Handlers
from s3mover.observe.metrics.definitions import QUEUE_STATES, Metrics


class SourceEventMetrics:
    """The handlers of these events; safe to use from several threads."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def handlers(self) -> Handlers:
        """Return the handler of each event."""
        return {
            EventsReceived: self._received,
            MessageUnreadable: self._unreadable,
            EventsFailed: lambda _: self._metrics.event_errors.inc(),
            QueueCounted: self._counted,
            LagMeasured: self._measured,
        }

    def _received(self, event: EventsReceived) -> None:
        self._metrics.events.labels(event.kind).inc(event.events)

    def _unreadable(self, _event: MessageUnreadable) -> None:
        self._metrics.events.labels("unreadable").inc()
        self._metrics.event_errors.inc()

    def _counted(self, event: QueueCounted) -> None:
        for state in QUEUE_STATES:
            messages = getattr(event, state)
            self._metrics.queue_messages.labels(state).set(math.nan if messages is None else messages)
        self._metrics.oldest_message.set(event.oldest)

    def _measured(self, event: LagMeasured) -> None:
        series = self._metrics.lag.labels(event.via)
        for seconds in event.seconds:
            series.observe(seconds)
