"""Access keys and KMS keys of accounts, with their policies and expiry."""

import secrets
from dataclasses import dataclass, field

from simulator.policy import Document, Policy, Principal, user_arn


@dataclass
class AccessKey:
    """One access key with its identity's policies.

    `token` is the session token ("" for a lasting key), `expires_at` is in seconds since the epoch.
    """

    id: str
    secret: str = field(repr=False)
    principal: Principal
    policies: tuple[Policy, ...] = ()
    token: str = field(default="", repr=False)
    expires_at: float | None = None


@dataclass
class KmsKey:
    """One KMS key; its policy delegates to its own account where none is given, as AWS's default does."""

    arn: str
    account: str
    policy: Policy


def make_access_key(
    account: str,
    user: str = "root",
    policies: tuple[Document, ...] = (),
    *,
    session: bool = False,
    expires_at: float | None = None,
    access_key: str = "",
    secret_key: str = "",
) -> AccessKey:
    """Make an access key; temporary ones (`session`, or with an expiry) carry a token."""
    temporary = session or expires_at is not None
    return AccessKey(
        access_key or ("ASIA" if temporary else "AKIA") + secrets.token_hex(8).upper(),
        secret_key or secrets.token_urlsafe(30),
        Principal(account, user_arn(account, user)),
        tuple(Policy(document) for document in policies),
        secrets.token_urlsafe(60) if temporary else "",
        expires_at,
    )


def make_kms_key(account: str, region: str, policy: Document | None = None) -> KmsKey:
    """Make a KMS key of an account."""
    key_id = f"{secrets.token_hex(4)}-{secrets.token_hex(2)}-4000-8000-{secrets.token_hex(6)}"
    delegate = {
        "Effect": "Allow",
        "Principal": {"AWS": user_arn(account, "root")},
        "Action": "kms:*",
        "Resource": "*",
    }
    return KmsKey(
        f"arn:aws:kms:{region}:{account}:key/{key_id}", account, Policy(policy or {"Statement": [delegate]})
    )
