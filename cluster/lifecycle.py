"""Brings a cluster up, says how it is, and takes it down."""

import fcntl
import json
import os
import socket
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Dict, Iterable, List

from cluster import health, render
from cluster.plan import REPLICA_SET, SERVER_KINDS, Member, Options, Plan, PlanError, load
from cluster.progress import Progress
from cluster.supervision import Supervisor, end_leftovers

# What an existing cluster can't be turned into: ensembles keep their members and their addresses.
_FIXED = ('address', 'base_port', 'members', 'hosts', 'join', 'chroot', 'only_servers')
# Who needs a server stops before it.
_STOP_ORDER = ('producer', 'consumer', 'solr', 'mongodb', 'zookeeper')


class ClusterError(Exception):
    """The cluster is not as it should be: text for the user, exit code 69."""


@contextmanager
def exclusively(var: str):
    """Keeps a second `up` or `down` of the same folder waiting."""
    os.makedirs(var, mode=0o700, exist_ok=True)
    with open(os.path.join(var, '.lock'), 'w') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def up(var: str, options: Options, timeout: float) -> Plan:
    """Starts what does not run and returns when everything is healthy; ClusterError names what is not."""
    plan = Plan(var, options)
    _check_build()
    _check_unchanged(plan)
    with exclusively(plan.var):
        supervisor = Supervisor(plan.var)
        deadline = time.monotonic() + timeout
        if not supervisor.is_running():
            end_leftovers(plan.var)
            _check_ports(plan)
            render.render(plan, supervisor.socket)
            supervisor.start()
        else:
            render.render(plan, supervisor.socket)
            supervisor.reload()
        progress = Progress()
        try:
            _start_servers(plan, supervisor, progress, deadline)
            _start_processes(plan, supervisor, progress, deadline)
        finally:
            progress.end()
    return plan


def down(var: str) -> None:
    """Stops everything of this folder, in order. Does nothing when nothing runs."""
    var = os.path.abspath(var)
    if not os.path.isdir(var):
        return
    with exclusively(var):
        supervisor = Supervisor(var)
        if supervisor.is_running():
            names = list(supervisor.states())
            for kind in _STOP_ORDER:
                supervisor.stop_members([name for name in names if name.startswith(kind + '-')])
            if not supervisor.shut_down(30):
                raise ClusterError('supervisord does not end; its log is %s' % supervisor.log)
        end_leftovers(var)


def status(plan: Plan) -> dict:
    """The state of every member that runs here: {"ready", "components": [{"kind", "name", ...}]}."""
    states = Supervisor(plan.var).states()
    problems = _problems(plan.members)
    components = [{
        'kind': member.kind,
        'name': member.name,
        'address': member.location,
        'state': _state_of(states.get(member.name), problems[member.name]),
        'problem': problems[member.name],
        'pid': states.get(member.name, {}).get('pid') or None,
        'log': member.log,
    } for member in plan.members]
    return {'ready': not any(problems.values()), 'components': components}


def _state_of(info, problem: str) -> str:
    if info is None or info['statename'] == 'STOPPED':
        return 'stopped'
    if info['statename'] in ('STARTING', 'RUNNING'):
        return 'unhealthy' if problem else 'healthy'
    return 'restarting'


def _start_servers(plan: Plan, supervisor: Supervisor, progress: Progress, deadline: float) -> None:
    servers = [member for member in plan.members if member.kind in SERVER_KINDS]
    supervisor.start_members([member.name for member in servers])
    with ThreadPoolExecutor(1) as pool:
        # Beside the display of who is healthy: it waits for every mongod, those of the other hosts too.
        initiation = pool.submit(_initiate_replica_set, plan, deadline) if plan.is_first_host else None
        _wait_until_healthy(servers, progress, deadline)
        if initiation:
            initiation.result()
    if plan.is_first_host and not plan.options.only_servers:
        _initialise_registry(plan, deadline)


def _start_processes(plan: Plan, supervisor: Supervisor, progress: Progress, deadline: float) -> None:
    supervisor.start_members([member.name for member in plan.processes])
    _wait_until_healthy(plan.processes, progress, deadline)
    if plan.processes:
        _wait_until_present(plan, deadline)


def _wait_until_present(plan: Plan, deadline: float) -> None:
    """A member is in the registry up to a second after it is healthy; before, `resilog status` takes it for missing."""
    command = [render.PROGRAM, '--config', render.client_configuration(plan), 'status', '--json']
    names = {member.name: plan.registered_name(member) for member in plan.processes}
    while True:
        run = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             universal_newlines=True)
        try:
            present = {component['member'] for component in json.loads(run.stdout)['components']}
            problems = ['%s is not in the registry\n  its log is %s' % (member.name, member.log)
                        for member in plan.members if names.get(member.name, member.name) not in present]
        except ValueError:
            problems = ['the registry can not be asked: %s' % run.stderr.strip()]
        if not problems:
            return
        if time.monotonic() > deadline:
            raise ClusterError('all members are healthy, but\n%s' % '\n'.join(problems))
        time.sleep(0.3)


def _initiate_replica_set(plan: Plan, deadline: float) -> None:
    """Returns when the set has a primary. One that exists is left as it is."""
    command = [render.PROGRAM, 'replica-set', 'initiate', '--name', REPLICA_SET,
               '--timeout', '%ds' % max(1, deadline - time.monotonic())]
    for member in plan.mongodb:
        command += ['--member', member]
    run = _run(command)
    if run.returncode:
        raise ClusterError('%s\n  its log is %s' % (run.stdout.strip(), plan.of_kind('mongodb')[0].log))


def _initialise_registry(plan: Plan, deadline: float) -> None:
    """Writes once where MongoDB and Solr are; a registry that has it already is left as it is."""
    command = [render.PROGRAM, '--config', render.client_configuration(plan), 'init',
               '--mongodb', plan.mongodb_url]
    for node in plan.solr:
        command += ['--solr', 'http://%s/solr' % node]
    if len(plan.solr) >= 3:
        command += ['--shards', '2', '--replicas', '2']
    while True:
        run = _run(command)
        if run.returncode == 0:
            return
        # 69 and 75: a component is not reachable yet.
        if run.returncode not in (69, 75) or time.monotonic() > deadline:
            raise ClusterError('resilog init failed: %s' % run.stdout.strip())
        time.sleep(0.5)


def _run(command: List[str]) -> subprocess.CompletedProcess:
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          universal_newlines=True)


def _wait_until_healthy(members: List[Member], progress: Progress, deadline: float) -> None:
    while True:
        problems = _problems(members)
        progress.show(problems)
        if not any(problems.values()):
            return
        if time.monotonic() > deadline:
            raise ClusterError('\n'.join(
                '%s is not healthy: %s\n  its log is %s' % (member.name, problems[member.name], member.log)
                for member in members if problems[member.name]))
        time.sleep(0.3)


def _problems(members: Iterable[Member]) -> Dict[str, str]:
    members = list(members)
    with ThreadPoolExecutor(max(1, len(members))) as pool:
        return dict(zip((member.name for member in members), pool.map(health.problem_of, members)))


def _check_build() -> None:
    for path in ('java/bin/java', 'mongodb/bin/mongod', 'zookeeper/lib', 'solr/webapp'):
        if not os.path.exists(os.path.join(render.PARTS, path)):
            raise ClusterError('the servers are not built yet: run "make build"')


def _check_unchanged(plan: Plan) -> None:
    stored = load(plan.var)
    if stored is None:
        return
    for name in _FIXED:
        old, new = getattr(stored.options, name), getattr(plan.options, name)
        if old != new:
            raise PlanError('%s holds a cluster whose %s is %s, not %s: keep it, name another folder, or remove '
                            'this one and all its data with "make clean"'
                            % (plan.var, name.replace('_', ' '), old, new))


def _check_ports(plan: Plan) -> None:
    for port in plan.used_ports():
        with socket.socket(socket.AF_INET6) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((plan.options.address, port))
            except OSError as error:
                raise ClusterError('[%s]:%d can\'t be listened on (%s): choose other ports with BASE_PORT=n, or '
                                   'another address with ADDRESS=a'
                                   % (plan.options.address, port, error.strerror)) from None
