"""The running whole: listeners, trail, crew, HTTP and the round, opened in order and closed in the reverse order."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from queue import Empty

from s3mover import __version__
from s3mover.audit.opening import open_trail
from s3mover.audit.patience import PatientTrail
from s3mover.audit.trail import Trail
from s3mover.events import Bulletin, Notify
from s3mover.gate import Gate, PauseNotice
from s3mover.model import SweepStatus
from s3mover.observe import http
from s3mover.observe.metrics import MetricsListener
from s3mover.observe.status import StatusBoard
from s3mover.settings.model import Settings
from s3mover.stop import Stop
from s3mover.supervisor import StopNotice
from s3mover.sweep.loop import TICK_SECONDS, Inbox, SweepTools
from s3mover.sweep.removal import Remover, require_conditions
from s3mover.sweep.round import Round, Territory
from s3mover.wiring.credentials import CredentialKeeper, is_refusal
from s3mover.wiring.owners import require_listings
from s3mover.wiring.parts import Sides, brief_of, pair_of, plan, sides_of, threads_of
from s3mover.wiring.reloading import Current
from s3mover.wiring.rereading import Reloader
from s3mover.wiring.summing_up import sum_up
from s3mover.wiring.tending import ControlDoor, commands_of, patience
from s3mover.wishes import Wishes
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

    current: Current
    stop: Stop
    wishes: Wishes
    gate: Gate
    notify: Notify
    trail: Trail
    crew: Crew
    desk: Desk
    round: Round
    inbox: Inbox
    keeper: CredentialKeeper
    tend: Callable[[], None]
    port: int | None

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.current.settings

    def acquire(self) -> bool:
        """Take the lease on the pair; False where another instance holds it."""
        return self.trail.acquire_lease(pair_of(self.settings))

    def sweep(self) -> SweepStatus:
        """Make a round; where it was refused, the next one has credentials that were looked for anew."""
        result = self.round.run()
        if result.error is not None and is_refusal(result.error):
            self.keeper.look_again()
        return result.record.status

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
    current: Current,
    stop: Stop,
    listeners: Sequence[Notify],
    *,
    serve_http: bool,
    wishes: Wishes | None = None,
) -> Iterator[Engine]:
    """Open everything that sweeps need; what was opened is closed again, also after an error.

    With `wishes` it is a daemon that can be told to pause, to sweep and to read its settings again.

    Raises:
        UnreachableError: a credential or the database could not be reached, or does not permit the work.
        S3Error: a bucket could not be listed.
    """
    with ExitStack() as opened:
        settings, heeding, wishes = current.settings, wishes is not None, wishes or Wishes()
        metrics = MetricsListener(__version__)
        board = StatusBoard(metrics.exposition, HANG_SECONDS)
        # The log comes last: who reads of an event there finds it in metrics and status already.
        notify = _bulletin([metrics, board, *listeners])
        port = _serve(settings, board, opened) if serve_http else None
        trail = open_trail(settings.audit.url.get_secret_value())
        opened.callback(trail.close)
        sides = sides_of(settings, notify)
        require_listings(settings, sides)
        inbox: Inbox = Inbox()
        crew = Crew(threads_of(settings), [ROUTE], notify)
        desk = crew.open_desk(ROUTE, brief_of(settings, sides), inbox.put, notify)
        opened.callback(lambda: crew.dismiss(min(DISMISSAL_SECONDS, stop.remaining)))
        crew.start()
        gate = Gate(stop, wishes, lambda: current.settings.sweep.windows if heeding else (), notify)
        keeper = CredentialKeeper(current, sides, desk)
        looks = [board.beat, StopNotice(stop, notify).look, keeper.look]
        if heeding:
            looks += [PauseNotice(wishes, notify).look, gate.look]
            looks.append(Reloader(current, wishes, keeper, listeners, notify).look)
            looks.append(_control_door(settings, wishes, notify, opened).look)
        tend = partial(_tend, looks)
        tools = SweepTools(
            trail=PatientTrail(trail, notify, patience(stop, tend), time.monotonic),
            desk=desk,
            inbox=inbox,
            notify=notify,
            stop=stop,
            clock=time.time,
            beat=tend,
            held=gate.held,
            remover=_remover(settings, sides, inbox),
        )
        whole_round = Round(
            tools,
            Territory(pair_of(settings), lambda: plan(current.settings, sides, notify), sides.destination),
            lambda result: sum_up(current.settings.summary, result),
            lambda: current.settings.audit.retention,
        )
        yield Engine(
            current, stop, wishes, gate, notify, trail, crew, desk, whole_round, inbox, keeper, tend, port
        )


def _tend(looks: Sequence[Callable[[], None]]) -> None:
    for look in looks:
        look()


def _control_door(settings: Settings, wishes: Wishes, notify: Notify, opened: ExitStack) -> ControlDoor:
    door = ControlDoor(settings.control.socket, commands_of(wishes), notify)
    opened.callback(door.close)
    return door


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
