"""The running whole: listeners, trail, crew, HTTP and the round, opened in order and closed in the reverse order."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from queue import Empty

from s3mover import __version__
from s3mover.audit.opening import open_trail
from s3mover.audit.patience import PatientTrail
from s3mover.events import Bulletin, Notify
from s3mover.model import Side
from s3mover.observe import http
from s3mover.observe.metrics import MetricsListener
from s3mover.observe.status import StatusBoard
from s3mover.settings.model import Settings
from s3mover.stop import Stop
from s3mover.supervisor import StopNotice
from s3mover.sweep.loop import TICK_SECONDS, Inbox, SweepTools
from s3mover.sweep.removal import Remover, require_conditions
from s3mover.sweep.round import Round, Territory
from s3mover.wiring.early import Early
from s3mover.wiring.owners import require_listings
from s3mover.wiring.parts import Sides, brief_of, pair_of, planner, sides_of, threads_of, wait_rule_of
from s3mover.wiring.summing_up import summary_writer
from s3mover.wiring.tending import CredentialWatch, patience
from s3mover.workers.crew import Crew
from s3mover.workers.desk import Desk, FromCrew

# A loop that has not come round for so long makes no progress any more: longer than any one wait in it.
HANG_SECONDS = 120.0
# What idle workers get to end when they are dismissed.
DISMISSAL_SECONDS = 5.0
# What the one pair of buckets is called among the routes.
ROUTE = "default"


@dataclass(frozen=True, slots=True)
class Engine:
    """What a command drives: take the lease, make rounds, idle in between. `port` is None without HTTP."""

    settings: Settings
    stop: Stop
    notify: Notify
    trail: PatientTrail
    crew: Crew
    desk: Desk
    round: Round
    inbox: Inbox
    tend: Callable[[], None]
    port: int | None

    def acquire(self) -> bool:
        """Take the lease on the pair; False where another instance holds it."""
        return self.trail.acquire_lease(pair_of(self.settings))

    def idle(self, seconds: float) -> None:
        """Wait so long, or until a stop is asked for."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0 and not self.stop.requested:
            self.tend()
            try:
                message = self.inbox.get(timeout=min(left, TICK_SECONDS))
            except Empty:
                continue
            if isinstance(message, FromCrew):
                self.desk.hear(message)


@contextmanager
def open_engine(
    settings: Settings,
    early: Early,
    stop: Stop,
    listeners: Sequence[Notify],
    *,
    serve_http: bool,
    enduring: bool = False,
) -> Iterator[Engine]:
    """Open everything that sweeps need; what was opened is closed again, also after an error.

    `enduring` is for those who rather wait than give up where worker processes cannot live.

    Raises:
        UnreachableError: a credential or the database could not be reached, or does not permit the work.
        S3Error: a bucket could not be listed.
    """
    with ExitStack() as opened:
        metrics = MetricsListener(__version__)
        board = StatusBoard(metrics.exposition, HANG_SECONDS)
        # The log comes last: who reads of an event there finds it in metrics and status already.
        notify = _bulletin([metrics, board, *listeners])
        port = _serve(settings, board, opened) if serve_http else None
        trail = open_trail(settings.audit.url.get_secret_value())
        opened.callback(trail.close)
        sides = sides_of(settings, notify, early.clerk)
        require_listings(settings, sides)
        inbox: Inbox = Inbox()
        crew = Crew(
            threads_of(settings), {ROUTE: brief_of(settings, sides)}, notify, early.nursery, enduring=enduring
        )
        desk = crew.open_desk(ROUTE, inbox.put)
        opened.callback(lambda: crew.dismiss(min(DISMISSAL_SECONDS, stop.remaining)))
        crew.start()
        tend = _tender(stop, board, sides, desk, notify)
        tools = SweepTools(
            trail=PatientTrail(trail, notify, patience(stop, tend), time.monotonic),
            desk=desk,
            inbox=inbox,
            notify=notify,
            stop=stop,
            clock=time.time,
            beat=tend,
            wait_rule=wait_rule_of(settings),
            remover=_remover(settings, sides, inbox),
        )
        territory = Territory(
            pair_of(settings), planner(settings, sides, notify), sides.source, sides.destination
        )
        whole_round = Round(tools, territory, summary_writer(settings.summary), settings.audit.retention)
        yield Engine(settings, stop, notify, tools.trail, crew, desk, whole_round, inbox, tend, port)


def _remover(settings: Settings, sides: Sides, inbox: Inbox) -> Remover | None:
    if settings.transfer.after != "delete":
        return None
    require_conditions(sides.source, settings.source.prefix)
    return Remover(sides.source, inbox.put)


def _bulletin(listeners: Sequence[Notify]) -> Notify:
    bulletin = Bulletin()
    for listener in listeners:
        bulletin.subscribe(listener)
    return bulletin.notify


def _serve(settings: Settings, board: StatusBoard, opened: ExitStack) -> int:
    server = http.start(settings.http.host, settings.http.port, board)
    opened.callback(server.close)
    return server.port


def _tender(stop: Stop, board: StatusBoard, sides: Sides, desk: Desk, notify: Notify) -> Callable[[], None]:
    notice = StopNotice(stop, notify)
    identities = {Side.SOURCE: sides.source_identity, Side.DESTINATION: sides.destination_identity}
    watch = CredentialWatch({side: identity.credentials for side, identity in identities.items()}, desk)

    def tend() -> None:
        board.beat()
        notice.look()
        watch.look()

    return tend
