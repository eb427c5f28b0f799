"""What a promise of an instance asks: check.py KIND ARGUMENTS. Says in one sentence what is wrong and what to do.

    zookeeper HOST PORT                  the member takes part in a quorum
    mongodb RESILOG CONFIGURATION MEMBER the member is primary or secondary
    solr HOST PORT CREDENTIALS AUTHORITY the node is in the cluster and all its replicas are active
    served HOST PORT AUTHORITY           the server shows a certificate for its address that lasts two weeks more
    producer HOST PORT CERTIFICATE       it takes lines, behind this very certificate
    certificate CERTIFICATE PUBLISHED    it is the published one, and does not end within two weeks
    consumer HOST PORT                   it can index
    disk FOLDER                          there is room
    cluster RESILOG CONFIGURATION PLAN   every requested member is there, and indexing keeps up
    members PLAN STATE TOLD              the servers that are wanted take part, and no others
"""

import base64
import hashlib
import http.client
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time

TIMEOUT_SECONDS = 8.0
COMMAND_SECONDS = 16.0
DISK_FRACTION = 0.85
CERTIFICATE_DAYS = 14
LAG_SECONDS = 600
ANSWER_BYTES = 4 * 1024 * 1024
LOG = 'its logs are in var/log of the partition'


class Failure(Exception):
    """What is wrong, and the remedy."""


def zookeeper(host, port):
    answer = b''
    with socket.create_connection((host, int(port)), TIMEOUT_SECONDS) as connection:
        connection.sendall(b'srvr')
        while len(answer) < 65536:
            part = connection.recv(4096)
            if not part:
                break
            answer += part
    if b'Mode: ' not in answer:
        raise Failure('ZooKeeper [%s]:%s is in no quorum: start the other members; %s' % (host, port, LOG))


def mongodb(resilog, configuration, member):
    run = call([resilog, '--config', configuration, 'replica-set', 'status', '--json', '--member', member])
    state = json.loads(run.stdout or '{}').get('state', 'unknown')
    if state == 'not initiated':
        raise Failure('%s belongs to no replica set yet: the cluster\'s root makes it, see its initialise log' % member)
    if state not in ('primary', 'secondary'):
        raise Failure('%s is %s, neither primary nor secondary: %s' % (member, state, LOG))


def solr(host, port, credentials, authority):
    context = ssl.create_default_context(cafile=authority)
    connection = http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT_SECONDS, context=context)
    headers = authorization(credentials)
    status, body = get(connection, '/solr/admin/info/health?requireHealthyCores=true', headers)
    if status in (401, 403):
        raise Failure('Solr [%s]:%s does not know the user of %s (%s): %s' % (host, port, credentials, status, LOG))
    if status != 200:
        raise Failure('Solr [%s]:%s is not healthy or has a replica that is not active (%s): %s; a replica recovers by '
                      'itself once its leader is up' % (host, port, body.strip()[:200], LOG))
    # A node that has just started has no cores yet that could be unhealthy: what the cluster says of them counts.
    status, body = get(connection, '/solr/admin/collections?action=CLUSTERSTATUS', headers)
    idle = inactive(json.loads(body), '[%s]:%s_solr' % (host, port)) if status == 200 else ['the cluster (%s)' % status]
    if idle:
        raise Failure('Solr [%s]:%s has %s: %s; a replica recovers by itself once its leader is up' % (
            host, port, ', '.join(idle), LOG))


def inactive(answer, node):
    """The replicas of this node that do not work, and their shards that have no leader."""
    found = []
    for name, collection in sorted(answer.get('cluster', {}).get('collections', {}).items()):
        for shard, content in sorted(collection['shards'].items()):
            replicas = content['replicas'].values()
            own = [replica for replica in replicas if replica['node_name'] == node]
            found += ['%s %s' % (replica['core'], replica['state']) for replica in own if replica['state'] != 'active']
            if own and not any(replica.get('leader') for replica in replicas):
                found.append('no leader of %s of %s' % (shard, name))
    return found


def served(host, port, authority):
    context = ssl.create_default_context(cafile=authority)
    remedy = 'the root of the cluster issues another when its partition is processed ("slapos node instance")'
    try:
        with socket.create_connection((host, int(port)), TIMEOUT_SECONDS) as connection:
            with context.wrap_socket(connection, server_hostname=host) as encrypted:
                end = ssl.cert_time_to_seconds(encrypted.getpeercert()['notAfter'])
    except ssl.SSLCertVerificationError as error:
        raise Failure('the certificate that [%s]:%s shows is not good (%s): %s' % (
            host, port, error.verify_message, remedy))
    days = (end - time.time()) / 86400
    if days < CERTIFICATE_DAYS:
        raise Failure('the certificate that [%s]:%s shows ends in %d days: %s' % (host, port, days, remedy))


def producer(host, port, certificate):
    if not os.path.exists(certificate):
        raise Failure('the producer has made no certificate yet: it did not start; %s' % LOG)
    context = ssl.create_default_context(cafile=certificate)
    connection = http.client.HTTPSConnection(host, int(port), timeout=TIMEOUT_SECONDS, context=context)
    ready('producer', host, port, *get(connection, '/readyz'))


def consumer(host, port):
    connection = http.client.HTTPConnection(host, int(port), timeout=TIMEOUT_SECONDS)
    ready('consumer', host, port, *get(connection, '/readyz'))


def ready(kind, host, port, status, body):
    if status != 200:
        raise Failure('the %s [%s]:%s is not ready (%s): mend the component that it names' % (
            kind, host, port, body.strip()[:300]))


def certificate(path, published):
    if not os.path.exists(path):
        raise Failure('the producer has made no certificate yet: it did not start; %s' % LOG)
    if digest(path) != digest(published):
        raise Failure('the certificate is not published yet: "slapos node instance --all" does it, which slapgrid does '
                      'by itself once a day')
    # The one function of the standard library that reads a certificate from a file.
    end = ssl.cert_time_to_seconds(ssl._ssl._test_decode_cert(path)['notAfter'])
    days = (end - time.time()) / 86400
    if days < CERTIFICATE_DAYS:
        raise Failure('the certificate ends in %d days: restart the producer, which makes another' % days)


def digest(path):
    with open(path, 'rb') as content:
        return hashlib.sha256(content.read().strip()).digest()


def disk(folder):
    usage = shutil.disk_usage(folder)
    fraction = 1 - usage.free / usage.total
    if fraction > DISK_FRACTION:
        raise Failure('the disk of %s is %d %% full, intake is refused above %d %%: free space or add some'
                      % (folder, fraction * 100, DISK_FRACTION * 100))


def cluster(resilog, configuration, plan):
    with open(plan) as content:
        wanted = json.load(content)
    if wanted['waiting']:
        raise Failure('not published yet: %s; the next runs of "slapos node instance" settle it, or their partitions '
                      'say what keeps them' % ', '.join(wanted['waiting']))
    run = call([resilog, '--config', configuration, 'status', '--json'])
    if not run.stdout:
        raise Failure('no status of the cluster: %s' % run.stderr.strip()[:300])
    status = json.loads(run.stdout)
    present = {'%s %s' % (item['kind'], item['member']) for item in status['components']}
    missing = sorted(set(wanted['members']) - present)
    if missing:
        raise Failure('not up: %s; their own promises say why' % ', '.join(missing))
    # Servers that are not of this cluster have no launcher that would keep their presence.
    accepted = {'no %s is up' % kind for kind in wanted['external']}
    problems = [problem for problem in status['problems'] if problem not in accepted]
    if problems:
        raise Failure('the cluster is not ready: %s' % '; '.join(problems)[:300])
    if status['lag']['oldestMs'] > LAG_SECONDS * 1000:
        raise Failure('indexing is %d s behind: add consumers, or see what keeps them' % (
            status['lag']['oldestMs'] / 1000))


def members(plan, state, told):
    known, found, wanted = [json.loads(read(path) or '{}') for path in (told, state, plan)]
    for tier, content in sorted(wanted.items()):
        names = [member['name'] for member in content['members']]
        tier_found = found.get(tier, {})
        if tier_found.get('wanted') != names or not tier_found.get('converged'):
            raise Failure('%s does not have its members yet (%s): the initialise log of this partition says what is done'
                          % (tier, tier_found.get('problem') or 'not looked at'))
        passed_on = {key: tier_found[key] for key in ('wanted', 'members', 'ensemble') if key in tier_found}
        if known['tiers'].get(tier) != passed_on:
            raise Failure('who takes part in %s has changed: the next run of "slapos node instance" tells the others' % tier)
    if known['leaving']:
        raise Failure('not taken away yet: %s; the next run of "slapos node instance" does it' % ', '.join(known['leaving']))


def read(path):
    if not os.path.exists(path):
        return ''
    with open(path) as content:
        return content.read()


def call(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True, timeout=COMMAND_SECONDS)


def authorization(credentials):
    with open(credentials, 'rb') as content:
        return {'Authorization': 'Basic ' + base64.b64encode(content.read().strip()).decode()}


def get(connection, path, headers={}):
    try:
        connection.request('GET', path, headers=headers)
        response = connection.getresponse()
        return response.status, response.read(ANSWER_BYTES).decode('utf-8', 'replace')
    finally:
        connection.close()


CHECKS = {check.__name__: check for check in (
    zookeeper, mongodb, solr, served, producer, consumer, certificate, disk, cluster, members)}


def main(arguments):
    if not arguments or arguments[0] not in CHECKS:
        print(__doc__, file=sys.stderr)
        return 64
    try:
        CHECKS[arguments[0]](*arguments[1:])
    except Failure as failure:
        print(failure)
        return 1
    except ConnectionRefusedError:
        print('nothing listens on [%s]:%s: it did not start; %s' % (arguments[1], arguments[2], LOG))
        return 1
    except (OSError, http.client.HTTPException, ValueError, subprocess.TimeoutExpired) as error:
        print('%s: %s; %s' % (' '.join(arguments[:3]), error or type(error).__name__, LOG))
        return 1
    print('OK')
    return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
