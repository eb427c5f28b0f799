"""Asks a mongod, by its wire protocol (OP_MSG), for what a replica set's start needs."""

import socket
import struct
import time
from typing import Any, Dict, List

from cluster import bson
from cluster.plan import REPLICA_SET

OP_MSG = 2013
NOT_YET_INITIALIZED = 94
ALREADY_INITIALIZED = 23


class MongoError(Exception):
    """mongod refused a command, or could not be reached."""


def command(address: str, port: int, content: Dict[str, Any], timeout: float = 5.0) -> Dict[str, Any]:
    """Runs one command on the database admin of this very member. Returns its reply, also when ok is 0."""
    body = struct.pack('<iB', 0, 0) + bson.encode({**content, '$db': 'admin'})
    with socket.create_connection((address, port), timeout) as connection:
        connection.sendall(struct.pack('<iiii', len(body) + 16, 1, 0, OP_MSG) + body)
        header = _receive(connection, 16)
        reply = _receive(connection, struct.unpack_from('<i', header)[0] - 16)
    return bson.decode(reply[5:])


def _receive(connection: socket.socket, length: int) -> bytes:
    data = b''
    while len(data) < length:
        part = connection.recv(length - len(data))
        if not part:
            raise MongoError('mongod closed the connection')
        data += part
    return data


def health(address: str, port: int) -> str:
    """Empty when the member is a primary or secondary, else what it is."""
    reply = command(address, port, {'hello': 1}, timeout=2.0)
    if reply.get('isWritablePrimary') or reply.get('secondary'):
        return ''
    return 'in no replica set yet' if 'setName' not in reply else 'neither primary nor secondary'


def has_primary(address: str, port: int) -> bool:
    return bool(command(address, port, {'hello': 1}, timeout=2.0).get('primary'))


def initiate(address: str, port: int, members: List[str]) -> None:
    """
    Makes the replica set of these members unless there is one. Every member has to be up. Safe to repeat, and to run
    from two places at once: the second finds it initiated.
    """
    status = command(address, port, {'replSetGetStatus': 1})
    if status.get('code') != NOT_YET_INITIALIZED:
        return
    configuration = {
        '_id': REPLICA_SET,
        'members': [{'_id': index, 'host': host} for index, host in enumerate(members)],
        # A primary is replaced in a few seconds; the default of 10 s is longer than clients like to wait.
        'settings': {'electionTimeoutMillis': 5000},
    }
    deadline = time.monotonic() + 30
    while True:
        reply = command(address, port, {'replSetInitiate': configuration}, timeout=20.0)
        if reply.get('ok') == 1 or reply.get('code') == ALREADY_INITIALIZED:
            return
        if time.monotonic() > deadline:
            raise MongoError('the replica set could not be initiated: %s' % reply.get('errmsg'))
        time.sleep(0.5)
