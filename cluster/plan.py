"""What a local cluster consists of: every member with its address and ports."""

import ipaddress
import json
import os
from dataclasses import asdict, dataclass, field
from typing import Dict, List, Optional

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# A cluster takes the hundred ports from its base on; a member's port is base + offset + index.
PORT_OFFSETS = {
    'zookeeper': 0,
    'zookeeper-peer': 10,
    'zookeeper-election': 20,
    'mongodb': 30,
    'solr': 40,
    'producer': 50,
    'consumer': 70,
}
COUNT_MAX = {'members': 9, 'producers': 19, 'consumers': 29}
SERVER_KINDS = ('zookeeper', 'mongodb', 'solr')
REPLICA_SET = 'rs0'


class PlanError(Exception):
    """A wrong option: one sentence for the user, exit code 78."""


@dataclass(frozen=True)
class Options:
    """The options of `up`, kept in var/cluster.json for the commands that follow."""

    address: str = '::1'
    base_port: int = 12000
    members: int = 1
    producers: int = 1
    consumers: int = 2
    hosts: List[str] = field(default_factory=list)
    join: List[str] = field(default_factory=list)
    chroot: str = '/resilog'
    only_servers: bool = False
    solr_heap: str = '512m'
    zookeeper_heap: str = '128m'
    # The quick compiler: a local cluster is young most of its time, when the other one takes half of its processors.
    java_options: str = '-XX:TieredStopAtLevel=1'
    mongodb_cache_gigabytes: float = 0.25


@dataclass(frozen=True)
class Member:
    """One supervised process."""

    kind: str
    name: str
    address: str
    port: int
    folder: str
    log: str

    @property
    def location(self) -> str:
        return '[%s]:%d' % (self.address, self.port)


class Plan:
    """The members that run here, and the addresses of those that run on the other hosts."""

    def __init__(self, var: str, options: Options):
        self.var = os.path.abspath(var)
        self.options = check(options)
        hosts = options.hosts or [options.address]
        self._host_index = hosts.index(options.address)
        self._hosts = hosts

    @property
    def members(self) -> List[Member]:
        """Members of this host in the order in which they start."""
        servers = [] if self.options.join else [
            self._member(kind, index) for kind in SERVER_KINDS
            for index in range(1, self.options.members + 1)]
        return servers + self.processes

    @property
    def processes(self) -> List[Member]:
        """Producers and consumers of this host."""
        if self.options.only_servers:
            return []
        counts = {'producer': self.options.producers, 'consumer': self.options.consumers}
        return [self._member(kind, index) for kind in ('producer', 'consumer')
                for index in range(1, counts[kind] + 1)]

    def of_kind(self, kind: str) -> List[Member]:
        return [member for member in self.members if member.kind == kind]

    @property
    def is_first_host(self) -> bool:
        """The first host initiates what is initiated once for all hosts."""
        return not self.options.join and self._host_index == 0

    @property
    def zookeeper(self) -> List[str]:
        return self.options.join or self._everywhere('zookeeper')

    @property
    def mongodb(self) -> List[str]:
        return [] if self.options.join else self._everywhere('mongodb')

    @property
    def solr(self) -> List[str]:
        return [] if self.options.join else self._everywhere('solr')

    @property
    def mongodb_url(self) -> str:
        return 'mongodb://%s/?replicaSet=%s&w=majority&journal=true' % (','.join(self.mongodb), REPLICA_SET)

    @property
    def fault_tolerant(self) -> bool:
        return bool(self.options.join) or len(self._everywhere('zookeeper')) >= 3

    @property
    def zookeeper_members(self) -> List[Dict[str, object]]:
        """All members of the ensemble. An id belongs to a host and an index and is never given again."""
        return [{
            'id': self._id(host_index, index),
            'address': host,
            'port': self._port('zookeeper', index),
            'peer_port': self._port('zookeeper-peer', index),
            'election_port': self._port('zookeeper-election', index),
        } for host_index, host in enumerate(self._hosts) for index in range(1, self.options.members + 1)]

    def zookeeper_id(self, member: Member) -> int:
        return self._id(self._host_index, member.port - self._port('zookeeper', 0))

    def used_ports(self) -> List[int]:
        ports = [member.port for member in self.members]
        for member in self.of_kind('zookeeper'):
            index = member.port - self._port('zookeeper', 0)
            ports += [self._port('zookeeper-peer', index), self._port('zookeeper-election', index)]
        return ports

    def registered_name(self, member: Member) -> str:
        """Name of a process that is unique in the whole cluster, for the registry."""
        if len(self._hosts) == 1 and not self.options.join:
            return member.name
        return '%s-at-%s' % (member.name, member.address.replace(':', '-'))

    def save(self) -> None:
        path = os.path.join(self.var, 'cluster.json')
        with open(path + '.new', 'w') as output:
            json.dump(asdict(self.options), output, indent=2)
            output.write('\n')
        os.replace(path + '.new', path)

    def _member(self, kind: str, index: int) -> Member:
        name = '%s-%d' % (kind, self._id(self._host_index, index) if kind in SERVER_KINDS else index)
        folder = os.path.join(self.var, name)
        log = os.path.join(folder, 'log', name + '.log')
        return Member(kind, name, self.options.address, self._port(kind, index), folder, log)

    def _id(self, host_index: int, index: int) -> int:
        return host_index * self.options.members + index

    def _port(self, kind: str, index: int) -> int:
        return self.options.base_port + PORT_OFFSETS[kind] + index

    def _everywhere(self, kind: str) -> List[str]:
        return ['[%s]:%d' % (host, self._port(kind, index))
                for host in self._hosts for index in range(1, self.options.members + 1)]


def check(options: Options) -> Options:
    """Raises PlanError at the first option that can't work."""
    for name, most in COUNT_MAX.items():
        count = getattr(options, name)
        least = 1 if name == 'members' else 0
        if not least <= count <= most:
            raise PlanError('%s is %d, and has to be from %d to %d' % (name, count, least, most))
    if not 1024 <= options.base_port <= 65435:
        raise PlanError('the base port is %d, and has to be from 1024 to 65435' % options.base_port)
    for address in [options.address] + options.hosts:
        try:
            parsed = ipaddress.IPv6Address(address)
        except ValueError:
            raise PlanError('"%s" is not an IPv6 address' % address) from None
        if parsed.is_unspecified or parsed.is_multicast:
            raise PlanError('"%s" is not the address of one host' % address)
    if options.hosts and options.address not in options.hosts:
        raise PlanError('the address %s of this host is not among the hosts' % options.address)
    if options.hosts and options.join:
        raise PlanError('a host is either one of the hosts with servers or joins others, not both')
    return options


def load(var: str) -> Optional[Plan]:
    """The plan that the last `up` saved, or None."""
    try:
        with open(os.path.join(var, 'cluster.json')) as content:
            return Plan(var, Options(**json.load(content)))
    except FileNotFoundError:
        return None
