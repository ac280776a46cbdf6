"""Mutual TLS between supervisor, scheduler and machines.

Every process has a certificate of one authority, and shows it in every role. The authority belongs to the cluster
alone: names in certificates are not compared, and Dask runs code that its peers send.
"""

import ssl
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from distributed import Security

from s3mover.errors import SettingsError
from s3mover.settings.model import ScaleSettings


class RenewableSecurity(Security):  # type: ignore[misc]  # without types
    """Dask's security, whose files may be replaced while it is in use.

    Connections that are opened after `renew` use the new certificate.
    """

    def __init__(self, scale: ScaleSettings) -> None:
        super().__init__(
            require_encryption=True,
            tls_ca_file=scale.ca_file,
            **{f"tls_{role}_cert": scale.certificate_file for role in ("client", "scheduler", "worker")},
            **{f"tls_{role}_key": scale.key_file for role in ("client", "scheduler", "worker")},
        )
        self._scale = scale
        self._contexts: list[ssl.SSLContext] = []
        self._loaded = _fingerprint(scale)

    def get_connection_args(self, role: str) -> Any:
        """Return the arguments of outgoing connections."""
        return self._remembered(super().get_connection_args(role))

    def get_listen_args(self, role: str) -> Any:
        """Return the arguments of a listener."""
        return self._remembered(super().get_listen_args(role))

    def renew(self) -> None:
        """Load the files again if they were replaced; keep the old ones while the new ones do not fit together."""
        current = _fingerprint(self._scale)
        if current in (self._loaded, None) or _problem(self._scale):
            return
        for context in self._contexts:
            _load(context, self._scale)
        self._loaded = current

    def _remembered(self, arguments: Any) -> Any:
        self._contexts.append(arguments["ssl_context"])
        return arguments


def open_security(scale: ScaleSettings) -> Security:
    """Return what secures the connections of this process; without files none are secured, which loopback permits.

    Raises:
        SettingsError: a file cannot be used.
    """
    if not scale.certificate_file:
        return Security(require_encryption=False)
    if problem := _problem(scale):
        raise SettingsError([problem])
    return RenewableSecurity(scale)


def renew(security: Security) -> None:
    """Load replaced files again; see `RenewableSecurity.renew`."""
    if isinstance(security, RenewableSecurity):
        security.renew()


def certificate_end(scale: ScaleSettings) -> datetime:
    """Return when the certificate of this process expires."""
    from cryptography import x509  # noqa: PLC0415 - 20 ms, and only `check` needs it

    certificate = x509.load_pem_x509_certificate(Path(scale.certificate_file).read_bytes())
    return certificate.not_valid_after_utc


def _problem(scale: ScaleSettings) -> str:
    """Return what is wrong with the files, an empty string if nothing is."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return _tried(
        "scale.ca_file", scale.ca_file, lambda: context.load_verify_locations(scale.ca_file)
    ) or _tried(
        "scale.certificate_file, scale.key_file",
        f"{scale.certificate_file}, {scale.key_file}",
        lambda: context.load_cert_chain(scale.certificate_file, scale.key_file, password=_no_password),
    )


def _no_password() -> str:
    """Refuse a key with a password, which OpenSSL would ask for on the terminal."""
    raise ValueError("the key has a password")


def _tried(settings: str, files: str, load: Callable[[], object]) -> str:
    try:
        load()
    except (OSError, ValueError) as error:
        reason = error.reason if isinstance(error, ssl.SSLError) and error.reason else error
        return f"{settings}: {files} cannot be used ({reason}); expected PEM files, and a key that fits the certificate"
    return ""


def _load(context: ssl.SSLContext, scale: ScaleSettings) -> None:
    context.load_verify_locations(scale.ca_file)
    context.load_cert_chain(scale.certificate_file, scale.key_file)


def _fingerprint(scale: ScaleSettings) -> tuple[tuple[int, int], ...] | None:
    """Return what changes when a file is replaced; None while one is missing."""
    try:
        stats = [Path(path).stat() for path in (scale.ca_file, scale.certificate_file, scale.key_file)]
    except OSError:
        return None
    return tuple((stat.st_ino, stat.st_mtime_ns) for stat in stats)
