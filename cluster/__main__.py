"""The local cluster: python cluster up|down|status [options]. The Makefile's targets are made of it."""

import argparse
import json
import os
import shutil
import sys
from dataclasses import fields

sys.path.insert(0, os.path.dirname(os.path.dirname(os.path.abspath(__file__))))

from cluster import lifecycle  # noqa: E402
from cluster.plan import CHECKOUT, Options, Plan, PlanError, load  # noqa: E402
from cluster.supervision import SupervisionError  # noqa: E402

# sysexits.h
EX_UNAVAILABLE = 69
EX_CONFIG = 78


def main() -> int:
    arguments = _parser().parse_args()
    try:
        return arguments.run(arguments)
    except PlanError as error:
        print('cluster: %s' % error, file=sys.stderr)
        return EX_CONFIG
    except (lifecycle.ClusterError, SupervisionError) as error:
        print('cluster: %s' % error, file=sys.stderr)
        return EX_UNAVAILABLE
    except KeyboardInterrupt:
        print('\ncluster: interrupted; what was started keeps running until "make down"', file=sys.stderr)
        return 130


def _up(arguments) -> int:
    names = {item.name for item in fields(Options)}
    options = Options(**{key: value for key, value in vars(arguments).items() if key in names})
    servers = options.members * max(1, len(options.hosts))
    timeout = arguments.timeout or (60 if servers == 1 else 120)
    plan = lifecycle.up(arguments.var, options, timeout)
    _print_summary(plan)
    return 0


def _print_summary(plan: Plan) -> None:
    print('The cluster is ready.')
    for member in plan.of_kind('producer'):
        print('  logs are taken at https://%s/<key>' % member.location)
    if not plan.options.only_servers:
        print('  next: bin/resilog source add NAME')
    if not plan.fault_tolerant:
        print('  It is not fault tolerant: there is one of each server. "make up MEMBERS=3" (in a clean var/) '
              'makes three of each.')


def _down(arguments) -> int:
    lifecycle.down(arguments.var)
    return 0


def _clean(arguments) -> int:
    lifecycle.down(arguments.var)
    shutil.rmtree(arguments.var, ignore_errors=True)
    return 0


def _status(arguments) -> int:
    plan = load(arguments.var)
    if plan is None:
        raise lifecycle.ClusterError('there is no cluster in %s: start one with "make up"' % arguments.var)
    status = lifecycle.status(plan)
    if arguments.json:
        print(json.dumps(status))
    else:
        for item in status['components']:
            print('%-14s %-28s %-10s %s' % (item['name'], item['address'], item['state'], item['pid'] or '-'))
            if item['problem']:
                print('  %s; its log is %s' % (item['problem'], item['log']))
        if not plan.fault_tolerant:
            print('One of each server: not fault tolerant.')
    return 0 if status['ready'] else EX_UNAVAILABLE


def _parser() -> argparse.ArgumentParser:
    default = Options()
    parser = argparse.ArgumentParser(prog='cluster', description=__doc__)
    commands = parser.add_subparsers(required=True, metavar='COMMAND')

    up = commands.add_parser('up', help='start the cluster and wait until it is healthy')
    up.add_argument('--address', default=default.address, help='IPv6 address of this host that everything listens on')
    up.add_argument('--base-port', type=int, default=default.base_port, help='first of a hundred ports')
    up.add_argument('--members', type=int, default=default.members, help='number of each server on each host')
    up.add_argument('--producers', type=int, default=default.producers)
    up.add_argument('--consumers', type=int, default=default.consumers)
    up.add_argument('--hosts', type=str.split, default=[], help='addresses of all hosts that run servers, first '
                    'host first; the same list on each of them')
    up.add_argument('--join', type=str.split, default=[], help='run no servers here; addresses of the ZooKeeper '
                    'ensemble of the cluster to join')
    up.add_argument('--chroot', default=default.chroot, help='node of ZooKeeper below which the cluster keeps its own')
    up.add_argument('--only-servers', action='store_true', help='start neither producers nor consumers')
    up.add_argument('--solr-heap', default=default.solr_heap)
    up.add_argument('--zookeeper-heap', default=default.zookeeper_heap)
    up.add_argument('--java-options', default=default.java_options, help='for ZooKeeper and Solr; give them as '
                    '--java-options=-XX:…; default: %(default)s')
    up.add_argument('--mongodb-cache-gigabytes', type=float, default=default.mongodb_cache_gigabytes)
    up.add_argument('--timeout', type=float, default=None, help='seconds to wait (default: 60, several members: 120)')
    up.set_defaults(run=_up)

    down = commands.add_parser('down', help='stop the cluster; its data stays')
    down.set_defaults(run=_down)
    clean = commands.add_parser('clean', help='stop the cluster and remove its data')
    clean.set_defaults(run=_clean)
    status = commands.add_parser('status', help='show every member')
    status.add_argument('--json', action='store_true', help='one JSON object')
    status.set_defaults(run=_status)
    for command in (up, down, clean, status):
        command.add_argument('--var', default=os.path.join(CHECKOUT, 'var'), help='folder of the cluster')
    return parser


if __name__ == '__main__':
    sys.exit(main())
