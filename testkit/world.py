"""Two accounts with a bucket each on the simulator, and the environment that points s3mover at them."""

from dataclasses import dataclass

from simulator import Simulator, SimulatorKey

SOURCE_ACCOUNT, DESTINATION_ACCOUNT = "111111111111", "222222222222"
SOURCE, DESTINATION = "company-documents", "company-documents-copy"
EVERYTHING = {"Effect": "Allow", "Action": ["s3:*", "kms:*"], "Resource": "*"}
COPY_ACTIONS = ("s3:GetObject", "s3:GetObjectTagging", "s3:ListBucket")


def grant(account: str, bucket: str, *actions: str) -> dict[str, list[object]]:
    """Return a bucket policy that allows `account` these actions on the bucket and its objects."""
    resources = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": account},
        "Action": list(actions),
        "Resource": resources,
    }
    return {"Statement": [statement]}


@dataclass(frozen=True)
class World:
    """A simulator with the two buckets, and an access key for each."""

    s3: Simulator
    source_key: SimulatorKey
    destination_key: SimulatorKey

    @property
    def environment(self) -> dict[str, str]:
        """The environment variables of the first version, which s3mover still reads."""
        values: dict[str, str] = {}
        for side, key, bucket in (
            ("SRC", self.source_key, SOURCE),
            ("DST", self.destination_key, DESTINATION),
        ):
            values |= {
                f"{side}_BUCKET": bucket,
                f"{side}_ACCESS_KEY": key.access_key,
                f"{side}_SECRET_KEY": key.secret_key,
                f"{side}_REGION": self.s3.region,
                f"{side}_ENDPOINT_URL": self.s3.endpoint,
            }
        return values

    def permit_copies(self, *, except_below: tuple[str, ...] = ()) -> None:
        """Let the destination's account read the source, tags included, as server-side copies need.

        Objects below the prefixes `except_below` may not be read, so they must be streamed.
        """
        policy = grant(DESTINATION_ACCOUNT, SOURCE, *COPY_ACTIONS)
        if except_below:
            policy["Statement"].append(_deny_reads(except_below))
        self.s3.configure_bucket(SOURCE, policy=policy)

    def forbid_copies(self) -> None:
        """Permit each account its own bucket only."""
        self.s3.configure_bucket(SOURCE, policy={"Statement": []})

    def encrypting_key(self, account: str) -> str:
        """Make a KMS key of `account` that everybody may use."""
        policy = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "kms:*"}}
        return self.s3.add_kms_key(account, policy)


def make_world(simulator: Simulator) -> World:
    """Make both buckets and an access key for each; server-side copies are permitted."""
    simulator.create_bucket(SOURCE, SOURCE_ACCOUNT)
    simulator.create_bucket(DESTINATION, DESTINATION_ACCOUNT)
    policies = [{"Statement": EVERYTHING}]
    source_key = simulator.add_key(SOURCE_ACCOUNT, "user/reader", policies)
    destination_key = simulator.add_key(DESTINATION_ACCOUNT, "user/mover", policies)
    world = World(simulator, source_key, destination_key)
    world.permit_copies()
    return world


def _deny_reads(prefixes: tuple[str, ...]) -> dict[str, object]:
    return {
        "Effect": "Deny",
        "Principal": {"AWS": DESTINATION_ACCOUNT},
        "Action": "s3:GetObject",
        "Resource": [f"arn:aws:s3:::{SOURCE}/{prefix}*" for prefix in prefixes],
    }
