"""Makes a certificate authority and the certificates of a cluster, for a try-out; see docs/scale.md for production."""

import datetime as dt
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from s3mover.errors import SettingsError

ROLES = ("scheduler", "worker", "supervisor")
DAYS = 365
# A certificate is valid at once on machines whose clocks are behind.
_BEHIND = dt.timedelta(hours=1)
_PUBLIC, _PRIVATE = 0o644, 0o600


_Valid = tuple[dt.datetime, dt.datetime]


@dataclass(frozen=True, slots=True)
class Authority:
    """A certificate authority; its key is in memory only."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    def pem(self) -> bytes:
        """Return the authority's certificate."""
        return _pem(self.certificate)

    def issue(self, name: str, valid: _Valid) -> tuple[bytes, bytes]:
        """Return a new certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        # Every process both listens and connects.
        purposes = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH])
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        certificate = (
            _builder(f"s3mover {name}", self.certificate.subject, key, valid)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(purposes, critical=False)
            .add_extension(issuer, critical=False)
            .sign(self.key, hashes.SHA256())
        )
        return _pem(certificate), _key_pem(key)


def new_authority(valid: _Valid) -> Authority:
    """Make an authority of its own for a cluster."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.KeyUsage(
        digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False,
        key_agreement=False, key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _builder("s3mover cluster", None, key, valid)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key)


def write_certificates(folder: Path, now: dt.datetime, days: int = DAYS) -> list[Path]:
    """Write `ca.crt`, and a certificate and a key for each role, and return the files.

    The authority's key is not kept: nobody can make a further certificate of it.

    Raises:
        SettingsError: a file is there already, or cannot be written.
    """
    valid = (now - _BEHIND, now + dt.timedelta(days=days))
    authority = new_authority(valid)
    contents = {folder / "ca.crt": (authority.pem(), _PUBLIC)}
    for role in ROLES:
        certificate, key = authority.issue(role, valid)
        contents |= {folder / f"{role}.crt": (certificate, _PUBLIC), folder / f"{role}.key": (key, _PRIVATE)}
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path, (content, mode) in contents.items():
            _write_new(path, content, mode)
    except OSError as error:
        raise SettingsError([f"DIR: cannot write {error.filename}: {error.strerror}"]) from error
    return list(contents)


def _write_new(path: Path, content: bytes, mode: int) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _builder(
    name: str, issuer: x509.Name | None, key: ec.EllipticCurvePrivateKey, valid: _Valid
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer or subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
