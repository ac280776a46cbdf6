"""The probe of a scheduler's container: `python -m s3mover.scale.probe CA CERTIFICATE KEY`; exit code 0 if it answers.

A handshake of TLS is answered by the scheduler's event loop, so that one that hangs does not pass. It is a module of
its own, without Dask and the command line, because it is started every few seconds.
"""

import socket
import ssl
import sys

PORT = 8786
TIMEOUT_SECONDS = 5.0


def probe(
    ca_file: str,
    certificate_file: str,
    key_file: str,
    *,
    port: int = PORT,
    timeout: float = TIMEOUT_SECONDS,
) -> None:
    """Connect to the scheduler on this host, and end the connection in order.

    Raises:
        OSError: it does not listen, does not answer in time, or one of the certificates is refused.
    """
    context = ssl.create_default_context(cafile=ca_file)
    # Any certificate of the cluster's authority can be the scheduler (`security.py`).
    context.check_hostname = False
    context.load_cert_chain(certificate_file, key_file)
    with (
        socket.create_connection(("localhost", port), timeout) as connection,
        context.wrap_socket(connection) as secured,
    ):
        # What the scheduler says first: it has accepted our certificate, too.
        if not secured.recv(1):
            raise ConnectionError("the scheduler closed the connection")


if __name__ == "__main__":
    probe(*sys.argv[1:])
