"""Asks each kind of member whether it does its work; an open port alone proves nothing."""

import http.client
import json
import socket
import ssl
from typing import Callable, Dict

from cluster.plan import Member

TIMEOUT_SECONDS = 3.0


def problem_of(member: Member) -> str:
    """Empty when the member is healthy, else what is wrong with it, in a few words."""
    try:
        return _CHECKS[member.kind](member)
    except ConnectionRefusedError:
        return 'not listening on %s' % member.location
    except (OSError, http.client.HTTPException, ValueError) as error:
        return str(error) or type(error).__name__


def _zookeeper(member: Member) -> str:
    with socket.create_connection((member.address, member.port), TIMEOUT_SECONDS) as connection:
        connection.sendall(b'srvr')
        answer = b''
        while len(answer) < 65536:
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    return '' if b'Mode: ' in answer else 'not in a quorum'


def _mongodb(member: Member) -> str:
    # mongod answers HTTP with a hint. Whether it is a primary or a secondary is asked by its launcher, which
    # publishes it only then, and by `resilog replica-set`.
    status, body = _get(http.client.HTTPConnection(member.address, member.port, timeout=TIMEOUT_SECONDS), '/')
    return '' if status == 200 and 'MongoDB' in body else 'what answers is not mongod'


def _solr(member: Member) -> str:
    connection = http.client.HTTPConnection(member.address, member.port, timeout=TIMEOUT_SECONDS)
    status, body = _get(connection, '/solr/admin/info/health')
    if status == 200 and json.loads(body).get('status') == 'OK':
        return ''
    return 'its health check answers %d' % status


def _process(member: Member) -> str:
    # Its certificate is its own; whether it is the right one is its clients' business.
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(
        member.address, member.port, timeout=TIMEOUT_SECONDS, context=context)
    try:
        status, body = _get(connection, '/readyz')
    except ssl.SSLError:
        connection = http.client.HTTPConnection(member.address, member.port, timeout=TIMEOUT_SECONDS)
        status, body = _get(connection, '/readyz')
    return '' if status == 200 else 'not ready: %s' % body.strip()[:200]


def _get(connection: http.client.HTTPConnection, path: str):
    try:
        connection.request('GET', path)
        response = connection.getresponse()
        return response.status, response.read(65536).decode('utf-8', 'replace')
    finally:
        connection.close()


_CHECKS: Dict[str, Callable[[Member], str]] = {
    'zookeeper': _zookeeper,
    'mongodb': _mongodb,
    'solr': _solr,
    'producer': _process,
    'consumer': _process,
}
