"""What all workers must know of each route: its configuration, its credentials and its lease, also in later workers."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from s3mover.model import Credentials, Side
from s3mover.workers.messages import ConfigureRoute, ExtendLease, RenewCredentials, RouteConfig, RouteUpdate
from s3mover.workers.pool.handle import WorkerHandle
from s3mover.workers.ratelimit.coordinator import RateCoordinator


class RouteBroadcast:
    """Sends updates of routes to all workers that live, which `handles` returns. Belongs to the pool's thread."""

    def __init__(self, handles: Callable[[], list[WorkerHandle]], rates: RateCoordinator) -> None:
        self._handles = handles
        self._rates = rates
        self._configs: dict[str, RouteConfig] = {}
        self._leases: dict[str, ExtendLease] = {}

    def configure(self, route: str, config: RouteConfig) -> None:
        """Send a route's configuration; its bounds go to the rate limits, too."""
        self._configs[route] = config
        self._send(ConfigureRoute(route, config))
        self.apply_bounds(route, config.bounds)

    def apply_bounds(self, route: str, bounds: Mapping[str, float]) -> None:
        """Pass no more than these bounds on a route, by limit; 0 for none."""
        self._rates.configure(route, bounds)

    def renew_credentials(self, route: str, side: Side, credentials: Credentials) -> None:
        """Send the new credentials of one side."""
        config = self._configs[route]
        self._configs[route] = replace(config, credentials={**config.credentials, side: credentials})
        self._send(RenewCredentials(route, side, credentials))

    def extend_lease(self, route: str, until: float) -> None:
        """Send until when requests of a route may begin."""
        self._leases[route] = ExtendLease(route, until)
        self._send(self._leases[route])

    def replay(self, handle: WorkerHandle) -> None:
        """Send the latest of all this to a new worker."""
        for route, config in self._configs.items():
            handle.send(ConfigureRoute(route, config))
        for extension in self._leases.values():
            handle.send(extension)

    def _send(self, update: RouteUpdate) -> None:
        for handle in self._handles():
            handle.send(update)
