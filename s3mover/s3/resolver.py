"""Resolves one side's credentials and its bucket's address. The only module that imports boto3's core.

boto3's core decides where credentials come from, regions, virtual hosts or paths, FIPS, dual-stack, accelerated and
custom endpoints. It costs 0.3 seconds and 30 MB and is needed for moments only: it is loaded in a process that ends
(`app/config_process_main.py`). Its errors become messages that name the side and the remedy.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from botocore import UNSIGNED
from botocore import credentials as chain
from botocore import exceptions as boto
from botocore.config import Config
from botocore.session import Session

from s3mover.errors import UnreachableError
from s3mover.model import BucketAddress, Credentials
from s3mover.s3.regions import AWS_DOMAIN, DEFAULT_REGION
from s3mover.s3.side_access import ResolvedSide, ResolveSide, SideAccess

ROLE_SESSION = "s3mover"
MAX_MESSAGE = 500
_PROBE = "probe"
_BOUNDS = Config(connect_timeout=5, read_timeout=10, retries={"mode": "standard", "total_max_attempts": 2})

SessionOf = Callable[[str], Session]


def session_of(profile: str) -> Session:
    """Return a session of botocore with a profile of the AWS configuration, none if empty."""
    session = Session()
    if profile:
        session.set_config_variable("profile", profile)
    return session


def resolve(access: SideAccess, sessions: SessionOf = session_of) -> ResolvedSide:
    """Return one side's credentials, valid now, and its bucket's address.

    Raises:
        UnreachableError: no credentials, no such profile, a role that may not be assumed, or S3 cannot be reached to
            ask for the region.
    """
    with _translated_errors(access):
        session = sessions(access.profile)
        source = _credential_source(session, access)
        address = _address(session, access)
        frozen = source.get_frozen_credentials()
    expiry = getattr(source, "_expiry_time", None)
    expires_at = expiry.timestamp() if expiry else None
    return ResolvedSide(
        address, Credentials(frozen.access_key, frozen.secret_key, frozen.token or "", expires_at)
    )


def caching_resolver() -> ResolveSide:
    """Return `resolve` with sessions cached per profile, for a process that resolves several sides."""
    return partial(resolve, sessions=cache(session_of))


class _Given(chain.CredentialProvider):  # type: ignore[misc]  # botocore has no types
    """Gives a client the credentials of one source, which are refreshed as the source does it."""

    METHOD = CANONICAL_NAME = "s3mover"

    def __init__(self, source: Any) -> None:
        super().__init__()
        self._source = source

    def load(self) -> Any:
        return self._source


def client_of(access: SideAccess, service: str, region: str, endpoint_url: str, config: Config) -> Any:
    """Return botocore's client of another service than S3, with the credentials of a side, refreshed for ever.

    An empty region is that of the AWS configuration, an empty URL that of AWS. May raise what botocore raises.
    """
    session = session_of(access.profile)
    source = _credential_source(session, access)
    session.register_component("credential_provider", chain.CredentialResolver([_Given(source)]))
    return session.create_client(
        service,
        region_name=region or session.get_config_variable("region") or DEFAULT_REGION,
        endpoint_url=endpoint_url or None,
        config=config,
    )


def _credential_source(session: Any, access: SideAccess) -> Any:
    """Return the source of credentials: the settings' keys, else the default chain; then the role, if any."""
    if access.access_key:
        source = chain.Credentials(access.access_key, access.secret_key, access.session_token or None)
    else:
        source = session.get_credentials()
    if source is None:
        raise boto.NoCredentialsError
    return _assume_role(session, access, source) if access.role_arn else source


def _assume_role(session: Any, access: SideAccess, source: Any) -> Any:
    """Return credentials of the role, assumed with those of `source`; botocore assumes it again before each expiry."""
    region = access.region or session.get_config_variable("region") or DEFAULT_REGION
    extra_args = {"RoleSessionName": ROLE_SESSION, "ExternalId": access.external_id}
    fetcher = chain.AssumeRoleCredentialFetcher(
        partial(session.create_client, region_name=region, config=_BOUNDS),
        source,
        access.role_arn,
        extra_args={name: value for name, value in extra_args.items() if value},
    )
    return chain.DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")


def _address(session: Any, access: SideAccess) -> BucketAddress:
    """Return the bucket's address.

    S3 itself is asked for a region that the settings do not give: the region of the profile need not be the bucket's.
    Other stores than AWS are not asked.
    """
    guess = access.region or session.get_config_variable("region") or DEFAULT_REGION
    address = _address_from_botocore(session, access, guess)
    if access.region or access.bucket.startswith("arn:") or AWS_DOMAIN not in address.host:
        return address
    region = _region_of_bucket(session, access, guess)
    return address if region == address.region else _address_from_botocore(session, access, region)


def _address_from_botocore(session: Any, access: SideAccess, region: str) -> BucketAddress:
    """Let botocore build a request, intercept it, and return its URL and signing region as an address."""
    built: dict[str, Any] = {}

    def intercept(
        params: dict[str, Any], context: dict[str, Any], **_: object
    ) -> tuple[SimpleNamespace, dict[str, Any]]:
        built.update(url=params["url"], region=context.get("signing", {}).get("region"))
        return SimpleNamespace(status_code=200), {}

    # Made-up keys: the request is not signed, so that no credentials have to be resolved for it.
    client = _s3_client(session, access, region, aws_access_key_id="none", aws_secret_access_key="none")  # noqa: S106
    client.meta.events.register("before-call.s3.HeadObject", intercept)
    client.head_object(Bucket=access.bucket, Key=_PROBE)
    url = urlsplit(built["url"])
    port = url.port or {"http": 80, "https": 443}[url.scheme]
    path = url.path.removesuffix(f"/{_PROBE}")
    return BucketAddress(access.bucket, url.scheme, url.hostname or "", port, path, built["region"] or region)


def _region_of_bucket(session: Any, access: SideAccess, guess: str) -> str:
    """Return the region by HeadBucket, which names it even in a refusal."""
    client = _s3_client(session, access, guess, config=_BOUNDS.merge(Config(signature_version=UNSIGNED)))
    try:
        response = client.head_bucket(Bucket=access.bucket)
    except boto.ClientError as error:
        response = error.response
    region: str = response["ResponseMetadata"]["HTTPHeaders"].get("x-amz-bucket-region", guess)
    return region


def _s3_client(session: Any, access: SideAccess, region: str, **options: Any) -> Any:
    config = options.pop("config", _BOUNDS)
    if access.addressing != "auto":
        config = config.merge(Config(s3={"addressing_style": access.addressing}))
    options = {"endpoint_url": access.endpoint_url or None, "config": config, **options}
    return session.create_client("s3", region_name=region, **options)


@contextmanager
def _translated_errors(access: SideAccess) -> Iterator[None]:
    try:
        yield
    # botocore raises a bare ValueError for an invalid endpoint or region.
    except (boto.BotoCoreError, boto.ClientError, ValueError) as error:
        sentence = " ".join(_sentence(access, error).split())
        raise UnreachableError(f"{access.label}: {sentence}"[:MAX_MESSAGE]) from error


def _sentence(access: SideAccess, error: Exception) -> str:
    side = access.label
    match error:
        case boto.NoCredentialsError():
            return (
                f"no credentials were found; set {side}.access_key and {side}.secret_key or {side}.profile, "
                "or give this machine a role"
            )
        case boto.ProfileNotFound():
            return (
                f"there is no AWS profile {access.profile!r}; correct {side}.profile or the AWS configuration"
            )
        case boto.ClientError():
            detail = error.response.get("Error", {})
            return (
                f"no credentials were given ({detail.get('Code')}: {detail.get('Message')}); check {side}.role_arn, "
                f"its trust policy and {side}.external_id"
            )
        case boto.ConnectionError() | boto.HTTPClientError():
            return f"{error}; check {side}.endpoint_url, {side}.region and the network"
        case _:
            return f"{error}; check the settings of {side} and the AWS configuration"
