# SPDX-License-Identifier: Apache-2.0
"""One connection that speaks OP_MSG and nothing on its own: no discovery, no retries, no sessions.

Tests that must send exactly one request to exactly one member use this instead of a driver.
"""
import itertools
import socket
import struct

import bson
from bson.codec_options import CodecOptions

OP_MSG = 2013
OP_INSERT = 2002
MORE_TO_COME = 2
_OPTIONS = CodecOptions(tz_aware=False)
_request_ids = itertools.count(1)


class CommandError(Exception):
    """A reply with ok: 0."""

    def __init__(self, reply):
        super().__init__(f"{reply.get('errmsg')} (code {reply.get('code')} {reply.get('codeName')})")
        self.reply = reply
        self.code = reply.get("code")


class Connection:
    """A blocking connection; any socket error is an OSError and ends its use."""

    def __init__(self, address, timeout=20.0):
        host, port = address.rsplit(":", 1)
        self.address = address
        self.socket = socket.create_connection((host, int(port)), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, database, command, flags=0):
        """Sends `command` without waiting for the reply; returns the request's id."""
        body = dict(command)
        body["$db"] = database
        return self._send(OP_MSG, struct.pack("<i", flags) + b"\x00" + bson.encode(body))

    def insert_as_2011(self, namespace, document):
        """OP_INSERT, which has no reply: getLastError asks what became of it."""
        self._send(OP_INSERT, struct.pack("<i", 0) + namespace.encode() + b"\x00" + bson.encode(document))

    def _send(self, opcode, payload):
        request_id = next(_request_ids)
        self.socket.sendall(struct.pack("<iiii", 16 + len(payload), request_id, 0, opcode) + payload)
        return request_id

    def receive(self):
        """The next reply's document."""
        length, _, _, opcode = struct.unpack("<iiii", self._exactly(16))
        payload = self._exactly(length - 16)
        if opcode != OP_MSG:
            raise OSError(f"expected OP_MSG, got opcode {opcode}")
        return bson.decode(payload[5:], codec_options=_OPTIONS)

    def reply(self, database, command):
        """Sends and returns the whole reply, ok or not."""
        self.send(database, command)
        return self.receive()

    def command(self, database, command):
        """Sends and returns the reply; raises CommandError if it says ok: 0."""
        reply = self.reply(database, command)
        if reply.get("ok") != 1:
            raise CommandError(reply)
        return reply

    def _exactly(self, count):
        parts = []
        while count:
            part = self.socket.recv(count)
            if not part:
                raise ConnectionResetError(f"{self.address} closed the connection")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


def once(address, database, command, timeout=20.0):
    """The whole reply to one command on a connection of its own."""
    with Connection(address, timeout) as connection:
        return connection.reply(database, command)
