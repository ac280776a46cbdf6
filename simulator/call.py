"""One request as the operations see it: caller, bucket, key, headers, query, body."""

from simulator.accounts import AccessKey
from simulator.policy import ANONYMOUS, Principal
from simulator.refusals import Refusal
from simulator.request_body import RequestBody
from simulator.store import Bucket
from simulator.wire import Request
from simulator.world import World


class Call:
    """One request in progress. `signer` is None for an unsigned (anonymous) one."""

    __slots__ = ("bucket", "key", "now", "request", "request_body", "signer", "world")

    def __init__(
        self, world: World, request: Request, bucket: Bucket, key: str, signer: AccessKey | None
    ) -> None:
        self.world = world
        self.request = request
        self.bucket = bucket
        self.key = "/".join(filter(None, key.split("/"))) if self.quirk("folds_slashes") else key
        self.now = int(world.now())
        self.signer = signer
        self.request_body: RequestBody | None = None

    @property
    def principal(self) -> Principal:
        """The caller."""
        return self.signer.principal if self.signer else ANONYMOUS

    def header(self, name: str) -> str | None:
        """Return a header by its name in lower case."""
        return self.request.headers.get(name)

    def query(self, name: str) -> str | None:
        """Return a decoded query parameter."""
        return self.request.query.get(name)

    def number(self, name: str, default: int) -> int:
        """Return a query parameter as a number that is not negative.

        Raises:
            Refusal: InvalidArgument.
        """
        text = self.request.query.get(name)
        if text is None:
            return default
        if not text.isdecimal():
            message = f"Provided {name} not an integer or within integer range"
            raise Refusal("InvalidArgument", message, elements=_argument(name, text))
        return int(text)

    def body(self) -> RequestBody:
        """Return the body, which is complete and checked by now."""
        if self.request_body is None:
            raise Refusal("MissingContentLength")
        return self.request_body

    def quirk(self, name: str) -> bool:
        """Return whether the bucket's store has a quirk."""
        return name in self.bucket.quirks

    def quoted(self, etag: str) -> str:
        """Return an ETag as this store writes it."""
        return etag if "etag_without_quotes" in self.bucket.quirks else f'"{etag}"'


def _argument(name: str, value: str) -> tuple[tuple[str, str], ...]:
    return (("ArgumentName", name), ("ArgumentValue", value))


def invalid_argument(message: str, name: str, value: str) -> Refusal:
    """Return an InvalidArgument that names the argument."""
    return Refusal("InvalidArgument", message, elements=_argument(name, value))
