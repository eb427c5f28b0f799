"""Starts, asks and stops the supervisord of one cluster folder."""

import hashlib
import os
import signal
import socket
import stat
import subprocess
import sys
import time
import xmlrpc.client
from typing import Dict, List

from supervisor.xmlrpc import SupervisorTransport

# The kernel refuses longer paths of sockets.
SOCKET_PATH_MAX = 107


class SupervisionError(Exception):
    """supervisord could not be started or asked."""


def socket_path(var: str) -> str:
    """The socket is in var/, or, when that path is too long, in a folder of this user's named by its hash."""
    path = os.path.join(var, 'supervisor.sock')
    # supervisord makes it under a longer temporary name first.
    if len(os.fsencode(path)) + 12 <= SOCKET_PATH_MAX:
        return path
    digest = hashlib.sha256(os.fsencode(var)).hexdigest()[:16]
    folder = os.path.join('/tmp', 'resilog-%d-%s' % (os.getuid(), digest))
    os.makedirs(folder, mode=0o700, exist_ok=True)
    status = os.lstat(folder)
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
        raise SupervisionError('%s belongs to somebody else' % folder)
    return os.path.join(folder, 'supervisor.sock')


class Supervisor:
    """One cluster folder's supervisord; it may or may not be running."""

    def __init__(self, var: str):
        self._var = var
        self.socket = socket_path(var)

    def is_running(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as connection:
                connection.settimeout(2)
                connection.connect(self.socket)
                return True
        except OSError:
            return False

    def start(self) -> None:
        """Starts supervisord as a daemon, with nothing under it yet."""
        run = subprocess.run(
            [sys.executable, '-m', 'supervisor.supervisord', '-c', os.path.join(self._var, 'supervisord.conf')],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
        if run.returncode:
            raise SupervisionError('supervisord does not start: %s' % run.stdout.strip())
        deadline = time.monotonic() + 10
        while not self.is_running():
            if time.monotonic() > deadline:
                raise SupervisionError('supervisord does not answer; its log is %s' % self.log)
            time.sleep(0.05)

    @property
    def log(self) -> str:
        return os.path.join(self._var, 'supervisord.log')

    def reload(self) -> None:
        """Takes a changed configuration over: new members are known, those that left it are stopped."""
        rpc = self._rpc()
        added, changed, removed = rpc.reloadConfig()[0]
        for group in removed + changed:
            rpc.stopProcessGroup(group)
            rpc.removeProcessGroup(group)
        for group in changed + added:
            rpc.addProcessGroup(group)

    def states(self) -> Dict[str, dict]:
        """What supervisord knows of every member, by name; nothing when it is not running."""
        if not self.is_running():
            return {}
        return {info['name']: info for info in self._rpc().getAllProcessInfo()}

    def start_members(self, names: List[str]) -> None:
        """Starts those that do not run. Does not wait for them."""
        states = self.states()
        rpc = self._rpc()
        for name in names:
            info = states.get(name)
            if info is None:
                raise SupervisionError('supervisord knows no %s' % name)
            if info['statename'] in ('STOPPED', 'EXITED', 'FATAL'):
                rpc.startProcess(name, False)

    def stop_members(self, names: List[str]) -> None:
        """Stops these together and waits until they have ended, or been killed after their stopwaitsecs."""
        running = ('STARTING', 'RUNNING', 'BACKOFF')
        states = self.states()
        for name in names:
            if name in states and states[name]['statename'] in running:
                self._rpc().stopProcess(name, False)
        while any(states.get(name, {}).get('statename') in (*running, 'STOPPING') for name in names):
            time.sleep(0.1)
            states = self.states()

    def shut_down(self, timeout: float) -> bool:
        """Stops every member, then supervisord. Returns whether it ended in time."""
        if not self.is_running():
            return True
        self._rpc().shutdown()
        deadline = time.monotonic() + timeout
        while self.is_running():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def _rpc(self):
        return xmlrpc.client.ServerProxy(
            'http://localhost', transport=SupervisorTransport(None, None, 'unix://' + self.socket)).supervisor


def leftovers(var: str) -> List[int]:
    """Processes of this user that a supervisord of this folder started, alive although it is not."""
    marker = b'RESILOG_CLUSTER=' + os.fsencode(var)
    found = []
    for name in os.listdir('/proc'):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open('/proc/%s/environ' % name, 'rb') as content:
                if marker in content.read().split(b'\0'):
                    found.append(int(name))
        except OSError:
            continue
    return found


def end_leftovers(var: str, timeout: float = 20.0) -> int:
    """Ends what a killed supervisord left behind. Returns how many processes there were."""
    first = leftovers(var)
    for pid in first:
        _signal(pid, signal.SIGTERM)
    deadline = time.monotonic() + timeout
    remaining = leftovers(var)
    while remaining and time.monotonic() < deadline:
        time.sleep(0.1)
        remaining = leftovers(var)
    for pid in remaining:
        _signal(pid, signal.SIGKILL)
    return len(first)


def _signal(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
