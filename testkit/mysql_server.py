"""A scripted MySQL server: it plays the connection phase, and records the packets that the client sends.

The format is that of the MySQL Internals Manual, "Connection Phase".
"""

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from testkit.scripted_server import Peer, ScriptedServer, scripted

SALT = b"12345678abcdefghijkl"
_FULL_AUTHENTICATION = b"\x01\x04"
_SSL = 0x800
_LONG_PASSWORD, _WITH_DATABASE, _PROTOCOL_41, _SECURE = 0x1, 0x8, 0x200, 0x8000
_PLUGIN_AUTH = 0x80000
_CAPABILITIES = _LONG_PASSWORD | _WITH_DATABASE | _PROTOCOL_41 | _SECURE | _PLUGIN_AUTH

Greeting = Callable[["Talk"], None]


class Talk:
    """The packets of one connection."""

    def __init__(self, peer: Peer, heard: list[bytes]) -> None:
        self._peer = peer
        self._heard = heard
        self._sequence = 0

    def say(self, payload: bytes) -> None:
        """Send one packet."""
        self._peer.say(struct.pack("<I", len(payload))[:3] + bytes([self._sequence]) + payload)
        self._sequence = (self._sequence + 1) % 256

    def hear(self) -> bytes:
        """Read one packet, and record it; nothing where the client has gone."""
        head = self._peer.read(4)
        if len(head) < 4:
            return b""
        self._sequence = (head[3] + 1) % 256
        payload = self._peer.read(int.from_bytes(head[:3], "little"))
        self._heard.append(payload)
        return payload

    def greet(self, plugin: str = "caching_sha2_password", capabilities: int = _CAPABILITIES) -> bytes:
        """Greet as a server without TLS, and return what the client answers."""
        self.say(
            b"\x0a8.4.0\0"
            + struct.pack("<I8sx", 7, SALT[:8])
            + struct.pack("<HBHHB10x", capabilities & 0xFFFF, 45, 2, capabilities >> 16, len(SALT) + 1)
            + SALT[8:]
            + b"\0"
            + plugin.encode()
            + b"\0"
        )
        return self.hear()

    def ask_for_the_password(self) -> bytes:
        """Ask for the password itself, as `caching_sha2_password` does for a user that it does not know yet."""
        self.say(_FULL_AUTHENTICATION)
        return self.hear()

    def switch_to(self, plugin: str, data: bytes = SALT + b"\0") -> bytes:
        """Ask for the answer of another plug-in."""
        self.say(b"\xfe" + plugin.encode() + b"\0" + data)
        return self.hear()


@contextmanager
def mysql_server(greeting: Greeting) -> Iterator[tuple[ScriptedServer, list[bytes]]]:
    """Run a server that plays `greeting` on one connection; yield it and what it heard."""
    heard: list[bytes] = []
    with scripted(lambda peer: greeting(Talk(peer, heard))) as server:
        yield server, heard
