"""The extra `s3mover[scale]`: whether what scaling out needs is installed. Imports nothing of it."""

from importlib.util import find_spec

from s3mover.errors import SettingsError

_PACKAGES = ("distributed", "cryptography")


def require_extra(purpose: str) -> None:
    """Ensure that the packages of the extra are installed; `purpose` is the setting or command that needs them.

    Raises:
        SettingsError: one is missing.
    """
    missing = [package for package in _PACKAGES if find_spec(package) is None]
    if missing:
        raise SettingsError(
            [f"{purpose}: needs {' and '.join(missing)}; install it with pip install 's3mover[scale]'"]
        )
