"""A private CA and a server certificate for 127.0.0.1, made anew for each run."""

import datetime as dt
import ipaddress
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class ServerIdentity(NamedTuple):
    """The files that a server on 127.0.0.1 needs for TLS, and the CA that vouches for it."""

    ca_file: Path
    certificate_file: Path
    key_file: Path


def make_identity(folder: Path) -> ServerIdentity:
    """Write a CA, a server certificate and its key into `folder`."""
    ca_key, server_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    ca = _certificate("s3mover test CA", ca_key, ca_key, "s3mover test CA", is_ca=True)
    server = _certificate("127.0.0.1", server_key, ca_key, "s3mover test CA", is_ca=False)
    identity = ServerIdentity(folder / "ca.pem", folder / "server.pem", folder / "server.key")
    identity.ca_file.write_bytes(ca.public_bytes(serialization.Encoding.PEM))
    identity.certificate_file.write_bytes(server.public_bytes(serialization.Encoding.PEM))
    identity.key_file.write_bytes(
        server_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return identity


def _certificate(
    subject: str,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    issuer: str,
    *,
    is_ca: bool,
) -> x509.Certificate:
    now = dt.datetime.now(dt.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(issuer_key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
