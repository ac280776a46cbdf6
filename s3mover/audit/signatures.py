"""Signs seals with Ed25519, and verifies signatures (RFC 8032). Keys are PEM files: PKCS #8 and SubjectPublicKeyInfo.

The library is imported when a key is used: an instance that signs nothing does without it.
"""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from s3mover.errors import SettingsError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_PRIVATE, _PUBLIC = 0o600, 0o644


def can_verify() -> bool:
    """Return whether the library that signatures need is installed."""
    return find_spec("cryptography") is not None


def require_library(purpose: str) -> None:
    """Ensure that the library is installed; `purpose` is the setting or option that needs it.

    Raises:
        SettingsError: it is not.
    """
    if not can_verify():
        raise SettingsError(
            [f"{purpose}: needs cryptography; install it with pip install 's3mover[signing]'"]
        )


class KeySigner:
    """Signs with the private key of a file; the key is in memory only, and in no repr."""

    def __init__(self, key: "Ed25519PrivateKey") -> None:
        self._key = key
        self.public_key = key.public_key().public_bytes_raw().hex()

    def sign(self, content: bytes) -> str:
        """Return the signature of these bytes, as hex."""
        return self._key.sign(content).hex()


def load_signer(path: str) -> KeySigner | None:
    """Return what signs with the key in this file; None where no file is set.

    Raises:
        SettingsError: the file cannot be read, or is not an Ed25519 private key without a passphrase.
    """
    if not path:
        return None
    require_library("audit.signing_key_file")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_private_key  # noqa: PLC0415

    try:
        key = load_pem_private_key(Path(path).read_bytes(), None)
    except OSError as error:
        raise SettingsError([f"audit.signing_key_file: cannot read {path}: {error.strerror}"]) from error
    except (ValueError, TypeError) as error:
        raise SettingsError([f"audit.signing_key_file: {path} is {_EXPECTED}"]) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError([f"audit.signing_key_file: {path} is {_EXPECTED}"])
    return KeySigner(key)


_EXPECTED = "not an Ed25519 private key in PEM without a passphrase (`s3mover audit keygen FILE` makes one)"


def load_public_key(path: str) -> str:
    """Return the public key in this file, as hex.

    Raises:
        SettingsError: the file cannot be read, or is not an Ed25519 public key.
    """
    require_library("--public-key")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415

    try:
        key = load_pem_public_key(Path(path).read_bytes())
    except OSError as error:
        raise SettingsError([f"--public-key: cannot read {path}: {error.strerror}"]) from error
    except ValueError as error:
        raise SettingsError([f"--public-key: {path} is not a public key in PEM"]) from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError([f"--public-key: {path} is not an Ed25519 public key"])
    return key.public_bytes_raw().hex()


def verify_signature(public_key: str, signature: str, content: bytes) -> bool:
    """Return whether the signature (hex) of these bytes was made with the private key of this public key (hex)."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)).verify(
            bytes.fromhex(signature), content
        )
    except (InvalidSignature, ValueError):
        return False
    return True


def make_key(path: Path) -> Path:
    """Write a new private key to `path`, readable by this user only, and its public key beside it (`.pub`).

    Return the path of the public key.

    Raises:
        SettingsError: one of the files exists, or cannot be written.
    """
    require_library("audit keygen")
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    public_path = path.with_name(path.name + ".pub")
    if public_path.exists():
        raise SettingsError([f"{public_path}: exists already; keys are never replaced"])
    _write_new(path, private, _PRIVATE)
    _write_new(public_path, public, _PUBLIC)
    return public_path


def _write_new(path: Path, content: bytes, mode: int) -> None:
    try:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(content)
    except FileExistsError as error:
        raise SettingsError([f"{path}: exists already; keys are never replaced"]) from error
    except OSError as error:
        raise SettingsError([f"{path}: cannot be written: {error.strerror}"]) from error
