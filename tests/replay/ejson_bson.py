# SPDX-License-Identifier: Apache-2.0
"""Canonical extended JSON (as Python values of the json module) <-> BSON bytes, type for type.

Documents are lists of (name, value) pairs, so that order and repeated names survive; arrays are the class
Array. Drivers' libraries fold types together or refuse odd dates; a replayer may not.
"""
import base64
import json
import struct

from bson.decimal128 import Decimal128


class Array(list):
    """A BSON array; a plain list of pairs is a document."""


class Pairs(list):
    """A BSON document: (name, value) pairs."""

    def get(self, name, default=None):
        for key, value in self:
            if key == name:
                return value
        return default

    def without(self, *names):
        return Pairs((k, v) for k, v in self if k not in names)


def loads(text):
    """A line of extended JSON; objects become Pairs, arrays Array."""
    return _arrays(json.loads(text, object_pairs_hook=Pairs))


def _arrays(value):
    if isinstance(value, Pairs):
        return Pairs((k, _arrays(v)) for k, v in value)
    if isinstance(value, list):
        return Array(_arrays(v) for v in value)
    return value


def _cstring(text):
    return text.encode("utf-8", "surrogatepass") + b"\0"


def _string(text):
    data = text.encode("utf-8", "surrogatepass") + b"\0"
    return struct.pack("<i", len(data)) + data


def _number(text):
    return {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.get(text) \
        if text in ("NaN", "Infinity", "-Infinity") else float(text)


def _wrapped(pairs):
    """(type, bytes) of a typed value such as {$numberInt: "1"}, or None for a plain document."""
    names = [k for k, _ in pairs]
    if not names or not names[0].startswith("$"):
        return None
    first = pairs[0][1]
    if names == ["$numberInt"]:
        return 0x10, struct.pack("<i", int(first))
    if names == ["$numberLong"]:
        return 0x12, struct.pack("<q", int(first))
    if names == ["$numberDouble"]:
        return 0x01, struct.pack("<d", _number(first))
    if names == ["$numberDecimal"]:
        return 0x13, Decimal128(first).bid
    if names == ["$oid"] and isinstance(first, str):
        return 0x07, bytes.fromhex(first)
    if names == ["$date"]:
        millis = first.get("$numberLong") if isinstance(first, Pairs) else None
        return None if millis is None else (0x09, struct.pack("<q", int(millis)))
    if names == ["$timestamp"] and isinstance(first, Pairs):
        return 0x11, struct.pack("<II", int(first.get("i")), int(first.get("t")))
    if names == ["$binary"] and isinstance(first, Pairs):
        data = base64.b64decode(first.get("base64"))
        subtype = int(first.get("subType"), 16)
        if subtype == 2:
            data = struct.pack("<i", len(data)) + data
        return 0x05, struct.pack("<iB", len(data), subtype) + data
    if names == ["$regularExpression"] and isinstance(first, Pairs):
        return 0x0B, _cstring(first.get("pattern")) + _cstring(first.get("options"))
    if names == ["$undefined"]:
        return 0x06, b""
    if names == ["$minKey"]:
        return 0xFF, b""
    if names == ["$maxKey"]:
        return 0x7F, b""
    if names == ["$symbol"]:
        return 0x0E, _string(first)
    if names == ["$code"] and isinstance(first, str):
        return 0x0D, _string(first)
    if names == ["$code", "$scope"]:
        body = _string(first) + encode(pairs[1][1])
        return 0x0F, struct.pack("<i", 4 + len(body)) + body
    if names == ["$dbPointer"] and isinstance(first, Pairs):
        return 0x0C, _string(first.get("$ref")) + bytes.fromhex(first.get("$id").get("$oid"))
    return None


def _value(value):
    if value is None:
        return 0x0A, b""
    if value is True or value is False:
        return 0x08, b"\1" if value else b"\0"
    if isinstance(value, str):
        return 0x02, _string(value)
    if isinstance(value, int):
        return (0x10, struct.pack("<i", value)) if -2**31 <= value < 2**31 else (0x12, struct.pack("<q", value))
    if isinstance(value, float):
        return 0x01, struct.pack("<d", value)
    if isinstance(value, Array):
        return 0x04, encode(Pairs((str(i), v) for i, v in enumerate(value)))
    typed = _wrapped(value)
    return typed if typed is not None else (0x03, encode(value))


def encode(pairs):
    """The BSON bytes of a document."""
    out = b""
    for name, value in pairs:
        kind, data = _value(value)
        out += bytes([kind]) + _cstring(name) + data
    return struct.pack("<i", len(out) + 5) + out + b"\0"


def _read_string(data, at):
    size = struct.unpack_from("<i", data, at)[0]
    return data[at + 4:at + 3 + size].decode("utf-8", "surrogateescape"), at + 4 + size


def _read_cstring(data, at):
    end = data.index(b"\0", at)
    return data[at:end].decode("utf-8", "surrogateescape"), end + 1


def _double_text(value):
    if value != value:
        return "NaN"
    if value in (float("inf"), float("-inf")):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value)


def _read_value(kind, data, at):
    if kind == 0x01:
        return Pairs([("$numberDouble", _double_text(struct.unpack_from("<d", data, at)[0]))]), at + 8
    if kind in (0x02, 0x0D, 0x0E):
        text, at = _read_string(data, at)
        return (text if kind == 0x02 else Pairs([({0x0D: "$code", 0x0E: "$symbol"}[kind], text)])), at
    if kind in (0x03, 0x04):
        pairs, end = _read_document(data, at)
        return (pairs if kind == 0x03 else Array(v for _, v in pairs)), end
    if kind == 0x05:
        size, subtype = struct.unpack_from("<iB", data, at)
        body = data[at + 5:at + 5 + size]
        shown = body[4:] if subtype == 2 else body
        return Pairs([("$binary", Pairs([("base64", base64.b64encode(shown).decode()),
                                         ("subType", f"{subtype:02x}")]))]), at + 5 + size
    if kind == 0x06:
        return Pairs([("$undefined", True)]), at
    if kind == 0x07:
        return Pairs([("$oid", data[at:at + 12].hex())]), at + 12
    if kind == 0x08:
        return data[at] == 1, at + 1
    if kind == 0x09:
        return Pairs([("$date", Pairs([("$numberLong", str(struct.unpack_from("<q", data, at)[0]))]))]), at + 8
    if kind == 0x0A:
        return None, at
    if kind == 0x0B:
        pattern, at = _read_cstring(data, at)
        options, at = _read_cstring(data, at)
        return Pairs([("$regularExpression", Pairs([("pattern", pattern), ("options", options)]))]), at
    if kind == 0x0C:
        ref, at = _read_string(data, at)
        return Pairs([("$dbPointer", Pairs([("$ref", ref), ("$id", Pairs([("$oid", data[at:at + 12].hex())]))]))]), at + 12
    if kind == 0x0F:
        size = struct.unpack_from("<i", data, at)[0]
        code, after = _read_string(data, at + 4)
        scope, _ = _read_document(data, after)
        return Pairs([("$code", code), ("$scope", scope)]), at + size
    if kind == 0x10:
        return Pairs([("$numberInt", str(struct.unpack_from("<i", data, at)[0]))]), at + 4
    if kind == 0x11:
        inc, secs = struct.unpack_from("<II", data, at)
        return Pairs([("$timestamp", Pairs([("t", secs), ("i", inc)]))]), at + 8
    if kind == 0x12:
        return Pairs([("$numberLong", str(struct.unpack_from("<q", data, at)[0]))]), at + 8
    if kind == 0x13:
        return Pairs([("$numberDecimal", str(Decimal128.from_bid(data[at:at + 16])))]), at + 16
    if kind == 0xFF:
        return Pairs([("$minKey", 1)]), at
    if kind == 0x7F:
        return Pairs([("$maxKey", 1)]), at
    raise ValueError(f"BSON type {kind:#x}")


def _read_document(data, at):
    size = struct.unpack_from("<i", data, at)[0]
    end = at + size
    at += 4
    pairs = Pairs()
    while data[at] != 0:
        kind = data[at]
        name, at = _read_cstring(data, at + 1)
        value, at = _read_value(kind, data, at)
        pairs.append((name, value))
    return pairs, end


def decode(data):
    """A document's BSON bytes as Pairs of canonical extended JSON."""
    return _read_document(data, 0)[0]
