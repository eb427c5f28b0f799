"""The passwords by which ZooKeeper tells the roles of a cluster apart."""

import base64
import hashlib
import os
import secrets
from typing import Dict

from cluster.plan import Plan, PlanError

ROLES = ('admin', 'producer', 'consumer', 'launcher')


def file_of(plan: Plan, role: str) -> str:
    """The file with `role:password`; only its owner reads it."""
    return os.path.join(plan.var, 'secrets', role)


def ensure(plan: Plan) -> None:
    """Makes them once, on the host that initialises the registry; the other hosts need the very same."""
    missing = [role for role in ROLES if not os.path.exists(file_of(plan, role))]
    if not missing:
        return
    if not plan.is_first_host:
        raise PlanError('this host has not the secrets of the cluster: copy the folder secrets of the first host\'s '
                        'var/ to %s, readable by this user only' % os.path.join(plan.var, 'secrets'))
    os.makedirs(os.path.join(plan.var, 'secrets'), mode=0o700, exist_ok=True)
    for role in missing:
        path = file_of(plan, role)
        descriptor = os.open(path + '.new', os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, 'w') as output:
            output.write('%s:%s\n' % (role, secrets.token_hex(32)))
            output.flush()
            os.fsync(output.fileno())
        os.rename(path + '.new', path)


def identities(plan: Plan) -> Dict[str, str]:
    """What ZooKeeper keeps of each: user:base64(sha1(user:password)). Says nothing of a random password."""
    return {role: _identity(file_of(plan, role)) for role in ROLES}


def _identity(path: str) -> str:
    with open(path) as content:
        credentials = content.read().strip()
    digest = base64.b64encode(hashlib.sha1(credentials.encode()).digest()).decode()
    return '%s:%s' % (credentials.split(':', 1)[0], digest)
