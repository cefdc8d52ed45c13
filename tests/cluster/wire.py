# SPDX-License-Identifier: Apache-2.0
"""Connections that speak OP_MSG, or the opcodes of 2011, and nothing on their own: no discovery, no retries,
no sessions.

Tests that must send exactly one request to exactly one member use this instead of a driver.
"""
import collections
import itertools
import socket
import struct

import bson
from bson.codec_options import CodecOptions

OP_REPLY = 1
OP_UPDATE = 2001
OP_INSERT = 2002
OP_QUERY = 2004
OP_GET_MORE = 2005
OP_DELETE = 2006
OP_KILL_CURSORS = 2007
OP_MSG = 2013
MORE_TO_COME = 2
# Flags of OP_QUERY.
TAILABLE, SLAVE_OK, NO_CURSOR_TIMEOUT, AWAIT_DATA, EXHAUST = 1 << 1, 1 << 2, 1 << 4, 1 << 5, 1 << 6
# Flags of OP_REPLY.
CURSOR_NOT_FOUND, QUERY_FAILURE, AWAIT_CAPABLE = 1, 2, 8
# Flags of OP_INSERT, OP_UPDATE and OP_DELETE.
CONTINUE_ON_ERROR = 1
UPSERT, MULTI = 1, 2
SINGLE_REMOVE = 1
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


Reply2011 = collections.namedtuple(
    "Reply2011", "flags cursor_id starting_from documents request_id response_to")


class Connection2011(Connection):
    """One connection that speaks as drivers did in 2011. Writes have no reply: last_error() asks for it."""

    def insert(self, namespace, *documents, flags=0):
        return self._send(OP_INSERT, struct.pack("<i", flags) + _cstring(namespace) + _encode(*documents))

    def update(self, namespace, selector, update, flags=0):
        return self._send(OP_UPDATE, struct.pack("<i", 0) + _cstring(namespace) + struct.pack("<i", flags)
                          + _encode(selector, update))

    def delete(self, namespace, selector, flags=0):
        return self._send(OP_DELETE, struct.pack("<i", 0) + _cstring(namespace) + struct.pack("<i", flags)
                          + _encode(selector))

    def kill_cursors(self, *ids):
        return self._send(OP_KILL_CURSORS, struct.pack(f"<ii{len(ids)}q", 0, len(ids), *ids))

    def send_query(self, namespace, query, count=0, flags=0, skip=0, fields=None):
        """Sends OP_QUERY; returns the request's id."""
        return self._send(OP_QUERY, struct.pack("<i", flags) + _cstring(namespace)
                          + struct.pack("<ii", skip, count) + _encode(query)
                          + (_encode(fields) if fields is not None else b""))

    def query(self, namespace, query, count=0, **options):
        """OP_QUERY and its reply, whatever it says."""
        self.send_query(namespace, query, count, **options)
        return self.receive_reply()

    def get_more(self, namespace, cursor_id, count=0):
        self._send(OP_GET_MORE, struct.pack("<i", 0) + _cstring(namespace)
                   + struct.pack("<iq", count, cursor_id))
        return self.receive_reply()

    def run(self, database, command, flags=0):
        """The document that answers a command sent as a query of $cmd."""
        return self.query(f"{database}.$cmd", command, -1, flags=flags).documents[0]

    def last_error(self, database, **arguments):
        return self.run(database, {"getlasterror": 1, **arguments})

    def receive_reply(self):
        length, request_id, response_to, opcode = struct.unpack("<iiii", self._exactly(16))
        payload = self._exactly(length - 16)
        if opcode != OP_REPLY:
            raise OSError(f"expected OP_REPLY, got opcode {opcode}")
        flags, cursor_id, starting_from, count = struct.unpack("<iqii", payload[:20])
        documents = bson.decode_all(payload[20:], _OPTIONS)
        if len(documents) != count:
            raise OSError(f"OP_REPLY says {count} documents and has {len(documents)}")
        return Reply2011(flags, cursor_id, starting_from, documents, request_id, response_to)


def _cstring(text):
    return text.encode() + b"\x00"


def _encode(*documents):
    return b"".join(bson.encode(document) for document in documents)


def once(address, database, command, timeout=20.0):
    """The whole reply to one command on a connection of its own."""
    with Connection(address, timeout) as connection:
        return connection.reply(database, command)
