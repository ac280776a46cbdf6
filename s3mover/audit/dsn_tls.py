"""The options of a DSN about TLS: Go's `tls`, and `ssl-mode` and `ssl-ca` of MySQL's own clients."""

from enum import StrEnum

from s3mover.audit.dsn_problem import dsn_problem

TLS_OPTIONS = ("tls", "ssl-mode", "ssl-ca")


class Tls(StrEnum):
    """How the connection to MySQL is protected, in the words of MySQL's own `--ssl-mode`.

    `PREFERRED` (the default) uses TLS if the server offers it, but does not protect against an active attacker;
    `REQUIRED` is encrypted but unverified, and must be set explicitly.
    """

    DISABLED = "disabled"
    PREFERRED = "preferred"
    REQUIRED = "required"
    VERIFY_CA = "verify_ca"
    VERIFY_IDENTITY = "verify_identity"


# In Go programs the name of a configuration of their own; here it means that of ssl-ca.
_GO_CUSTOM = "custom"
_GO_TLS = {
    _GO_CUSTOM: Tls.VERIFY_IDENTITY,
    "true": Tls.VERIFY_IDENTITY,
    "1": Tls.VERIFY_IDENTITY,
    "false": Tls.DISABLED,
    "0": Tls.DISABLED,
    "skip-verify": Tls.REQUIRED,
    "preferred": Tls.PREFERRED,
}


def tls_of(options: dict[str, str]) -> tuple[Tls, str]:
    """Return the protection that these options ask for, and the file of their CA.

    Raises:
        SettingsError: a value is unknown, or two of them contradict each other.
    """
    ca_file = options.get("ssl-ca", "")
    if options.get("tls") == _GO_CUSTOM and not ca_file:
        raise dsn_problem("its option tls=custom names no CA", "expected ssl-ca=FILE beside it")
    if "tls" in options and "ssl-mode" in options:
        raise dsn_problem("it has both options tls and ssl-mode", "expected one of them")
    tls = _tls(options)
    if not ca_file:
        return tls or Tls.PREFERRED, ""
    if tls in (Tls.DISABLED, Tls.PREFERRED):
        raise dsn_problem(
            f"its option ssl-ca names a CA that {tls} TLS does not verify", "expected tls=true or no ssl-ca"
        )
    # As MySQL's own clients read it: a CA that is given is a CA that is checked.
    return (Tls.VERIFY_CA if tls is Tls.REQUIRED else tls or Tls.VERIFY_IDENTITY), ca_file


def _tls(options: dict[str, str]) -> Tls | None:
    if "tls" in options:
        return _go_tls(options["tls"])
    return _ssl_mode(options["ssl-mode"]) if "ssl-mode" in options else None


def _go_tls(value: str) -> Tls:
    tls = _GO_TLS.get(value.lower())
    if tls is None:
        raise dsn_problem(
            "unsupported value of its option tls",
            "expected tls=true, false, preferred, skip-verify or custom (with a CA of your own in ssl-ca=FILE)",
        )
    return tls


def _ssl_mode(value: str) -> Tls:
    try:
        return Tls(value.lower().replace("-", "_"))
    except ValueError:
        modes = ", ".join(mode.value for mode in Tls)
        raise dsn_problem("unsupported value of its option ssl-mode", f"expected one of {modes}") from None
