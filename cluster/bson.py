"""Enough of BSON (bsonspec.org) for administrative commands of mongod and their replies."""

import struct
from typing import Any, Dict, Tuple


def encode(document: Dict[str, Any]) -> bytes:
    """Encodes dict, list, str, bool, int (64 bit) and float."""
    body = b''.join(_element(key, value) for key, value in document.items())
    return struct.pack('<i', len(body) + 5) + body + b'\0'


def decode(data: bytes) -> Dict[str, Any]:
    """Decodes a document; types that no administrative reply needs become None or raw bytes."""
    return _document(data, 0)[0]


def _element(key: str, value: Any) -> bytes:
    name = key.encode() + b'\0'
    if isinstance(value, bool):
        return b'\x08' + name + (b'\1' if value else b'\0')
    if isinstance(value, int):
        return b'\x12' + name + struct.pack('<q', value)
    if isinstance(value, float):
        return b'\x01' + name + struct.pack('<d', value)
    if isinstance(value, str):
        text = value.encode() + b'\0'
        return b'\x02' + name + struct.pack('<i', len(text)) + text
    if isinstance(value, dict):
        return b'\x03' + name + encode(value)
    if isinstance(value, list):
        return b'\x04' + name + encode({str(index): item for index, item in enumerate(value)})
    raise TypeError('BSON: no encoding for %r' % (value,))


def _document(data: bytes, offset: int) -> Tuple[Dict[str, Any], int]:
    end = offset + struct.unpack_from('<i', data, offset)[0]
    offset += 4
    document = {}
    while data[offset]:
        kind = data[offset]
        name_end = data.index(b'\0', offset + 1)
        key = data[offset + 1:name_end].decode()
        document[key], offset = _value(kind, data, name_end + 1)
    return document, end


_FIXED = {0x01: '<d', 0x09: '<q', 0x10: '<i', 0x11: '<Q', 0x12: '<q'}
_OPAQUE = {0x07: 12, 0x13: 16}


def _value(kind: int, data: bytes, offset: int) -> Tuple[Any, int]:
    if kind in _FIXED:
        return struct.unpack_from(_FIXED[kind], data, offset)[0], offset + struct.calcsize(_FIXED[kind])
    if kind in _OPAQUE:
        return data[offset:offset + _OPAQUE[kind]], offset + _OPAQUE[kind]
    if kind == 0x02:
        length = struct.unpack_from('<i', data, offset)[0]
        return data[offset + 4:offset + 3 + length].decode(), offset + 4 + length
    if kind in (0x03, 0x04):
        content, end = _document(data, offset)
        return (list(content.values()) if kind == 0x04 else content), end
    if kind == 0x05:
        length = struct.unpack_from('<i', data, offset)[0]
        return data[offset + 5:offset + 5 + length], offset + 5 + length
    if kind == 0x08:
        return data[offset] == 1, offset + 1
    if kind == 0x0A:
        return None, offset
    raise ValueError('BSON: type %#x is not known here' % kind)
