"""Policies and their evaluation: a statement matches or not, a deny wins, and both accounts must allow.

Source of the rules: IAM User Guide, "Policy evaluation logic" and "Cross-account policy evaluation logic".
Policies are written as AWS writes them (a document with `Statement`). `access.py` asks.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

Document = Mapping[str, Any]
Context = Callable[[], Mapping[str, str]]
"""The condition keys of one request; asked for only where a statement has conditions."""


class Verdict(Enum):
    """The result of one policy. `DELEGATED` is an allow to a whole account, whose own policies then decide."""

    SILENT = 0
    DELEGATED = 1
    ALLOWED = 2
    DENIED = 3


@dataclass(frozen=True)
class Principal:
    """A caller: an account's root user, one of its users, or `ANONYMOUS`."""

    account: str
    arn: str

    @property
    def is_root(self) -> bool:
        """Whether this is the account itself, which needs no identity policy."""
        return self.arn.endswith(":root")


ANONYMOUS = Principal("", "anonymous")


def user_arn(account: str, user: str) -> str:
    """Return the ARN of `root`, `user/NAME` or `role/NAME` of an account."""
    return f"arn:aws:iam::{account}:{user}"


@dataclass(frozen=True)
class Statement:
    """One compiled statement; `principals` is None in an identity policy."""

    allows: bool
    principals: tuple[str, ...] | None
    action: re.Pattern[str]
    resource: re.Pattern[str]
    conditions: tuple[tuple[str, str, tuple[str, ...]], ...]

    def names(self, principal: Principal) -> Verdict:
        """Return how the statement names the principal: directly, through its account, or not."""
        if self.principals is None or "*" in self.principals:
            return Verdict.ALLOWED
        if principal.arn in self.principals:
            return Verdict.ALLOWED
        account = (principal.account, user_arn(principal.account, "root"))
        return (
            Verdict.DELEGATED if principal.account and set(account) & set(self.principals) else Verdict.SILENT
        )

    def applies(self, action: str, resource: str, context: Context) -> bool:
        """Return whether action, resource and every condition match."""
        return bool(
            self.action.fullmatch(action)
            and self.resource.fullmatch(resource)
            and all(_holds(*condition, context()) for condition in self.conditions)
        )


class Policy:
    """A compiled policy document, of an identity or of a resource."""

    def __init__(self, document: Document) -> None:
        self._statements = [_compiled(one) for one in _many(document["Statement"])]

    def verdict(self, principal: Principal, action: str, resource: str, context: Context) -> Verdict:
        """Return the policy's result for this principal; a deny wins over every allow."""
        best = Verdict.SILENT
        for statement in self._statements:
            named = statement.names(principal)
            if named is Verdict.SILENT or not statement.applies(action, resource, context):
                continue
            if not statement.allows:
                return Verdict.DENIED
            best = max(best, named, key=lambda verdict: verdict.value)
        return best


def decide(principal: Principal, owner: str, identity: Verdict, resource: Verdict) -> bool:
    """Return whether one request is allowed, from the results of the identity's and the resource's policies.

    | principal          | identity | resource            | answer |
    |--------------------|----------|---------------------|--------|
    | any                | DENIED   | any                 | no     |
    | any                | any      | DENIED              | no     |
    | anonymous          | -        | ALLOWED             | yes    |
    | owner's account    | ALLOWED  | any                 | yes    |
    | owner's account    | SILENT   | ALLOWED (by name)   | yes    |
    | owner's account    | SILENT   | DELEGATED or SILENT | no     |
    | other account      | ALLOWED  | ALLOWED, DELEGATED  | yes    |
    | other account      | SILENT   | any                 | no     |
    | other account      | any      | SILENT              | no     |
    """
    if Verdict.DENIED in (identity, resource):
        return False
    if not principal.account:
        return resource is Verdict.ALLOWED
    if principal.account == owner:
        return identity is Verdict.ALLOWED or resource is Verdict.ALLOWED
    return identity is Verdict.ALLOWED and resource is not Verdict.SILENT


def identity_verdict(
    principal: Principal, policies: Sequence[Policy], action: str, resource: str, context: Context
) -> Verdict:
    """Tell what an identity's own policies say together; the root user is allowed everything."""
    if principal.is_root:
        return Verdict.ALLOWED
    verdicts = [policy.verdict(principal, action, resource, context) for policy in policies]
    return max(verdicts, key=lambda verdict: verdict.value, default=Verdict.SILENT)


def _many(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _compiled(statement: Document) -> Statement:
    return Statement(
        statement["Effect"] == "Allow",
        _principals(statement["Principal"]) if "Principal" in statement else None,
        _patterns(statement["Action"], re.IGNORECASE),
        _patterns(statement.get("Resource", "*")),
        tuple(
            (operator, key, tuple(str(value) for value in _many(values)))
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        ),
    )


def _principals(principal: Any) -> tuple[str, ...]:
    return tuple(_many(principal["AWS"] if isinstance(principal, Mapping) else principal))


def _patterns(patterns: Any, flags: int = 0) -> re.Pattern[str]:
    return re.compile("|".join(_regex(pattern) for pattern in _many(patterns)), flags | re.DOTALL)


def _regex(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")


def _like(patterns: tuple[str, ...], value: str | None) -> bool:
    return value is not None and any(re.fullmatch(_regex(one), value, re.DOTALL) for one in patterns)


_OPERATORS: dict[str, Callable[[tuple[str, ...], str | None], bool]] = {
    "StringEquals": lambda wanted, value: value in wanted,
    "StringNotEquals": lambda wanted, value: value not in wanted,
    "StringLike": _like,
    "StringNotLike": lambda wanted, value: not _like(wanted, value),
    "Bool": lambda wanted, value: value in [one.lower() for one in wanted],
    "Null": lambda wanted, value: (value is None) == (wanted[0].lower() == "true"),
}


def _holds(operator: str, key: str, wanted: tuple[str, ...], context: Mapping[str, str]) -> bool:
    if operator.endswith("IfExists"):
        return context.get(key) is None or _OPERATORS[operator[:-8]](wanted, context[key])
    return _OPERATORS[operator](wanted, context.get(key))
