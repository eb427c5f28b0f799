"""Writes the files of every member from the templates that the SlapOS release uses too."""

import os
from typing import Any, Dict

import jinja2

from cluster import credentials
from cluster.plan import CHECKOUT, REPLICA_SET, Member, Plan

PARTS = os.path.join(CHECKOUT, 'parts')
PROGRAM = os.path.join(CHECKOUT, 'bin', 'resilog')

# How the registry calls each kind of server, and how its launcher asks whether it works.
_LAUNCHED = {
    'zookeeper': ('ZooKeeper', 'tcp:%s:srvr=Mode:'),
    'mongodb': ('MongoDB', 'mongodb://%s/'),
    'solr': ('SolrCloud', 'http://%s/solr/admin/info/health'),
}

# Template and file of each kind of member; "run" is what supervisord starts.
_FILES = {
    'zookeeper': {'zoo.cfg.in': 'zoo.cfg', 'logback.xml.in': 'logback.xml', 'run-zookeeper.in': 'run'},
    'mongodb': {'run-mongodb.in': 'run'},
    'solr': {'jetty.xml.in': 'jetty.xml', 'solr.xml.in': 'solr.xml', 'log4j2.xml.in': 'log4j2.xml',
             'run-solr.in': 'run'},
    'producer': {'process.json.in': 'process.json', 'run-process.in': 'run'},
    'consumer': {'process.json.in': 'process.json', 'run-process.in': 'run'},
}
_ENVIRONMENT = jinja2.Environment(
    loader=jinja2.FileSystemLoader(os.path.join(CHECKOUT, 'templates')),
    undefined=jinja2.StrictUndefined, keep_trailing_newline=True)


def render(plan: Plan, socket: str) -> None:
    """Writes all configuration below var/. Data is never touched."""
    os.makedirs(plan.var, mode=0o700, exist_ok=True)
    if not plan.options.only_servers:
        credentials.ensure(plan)
        for role, path in (('admin', client_configuration(plan)), ('launcher', _launcher_configuration(plan))):
            _write(path, 'resilog.json.in', {**_common(plan), **_role(plan, role)})
    for member in plan.members:
        context = _context(plan, member)
        os.makedirs(context['log'], exist_ok=True)
        for template, name in _FILES[member.kind].items():
            _write(os.path.join(member.folder, name), template, context, executable=name == 'run')
    _write(os.path.join(plan.var, 'supervisord.conf'), 'supervisord.conf.in',
           {'var': plan.var, 'socket': socket, 'members': plan.members})
    plan.save()


def client_configuration(plan: Plan) -> str:
    """The file by which `bin/resilog` finds this cluster."""
    return os.path.join(plan.var, 'resilog.json')


def _launcher_configuration(plan: Plan) -> str:
    """The file that the servers' launchers use."""
    return os.path.join(plan.var, 'launcher.json')


def _role(plan: Plan, role: str) -> Dict[str, Any]:
    """By what a process shows ZooKeeper which role it has, and the roles for the nodes that it makes."""
    return {'credentials': credentials.file_of(plan, role), 'access': credentials.identities(plan)}


def _launch(plan: Plan, member: Member) -> str:
    """What every server's command line starts with: the launcher that keeps its presence in the registry."""
    # Servers alone belong to no cluster: there is no registry for them.
    if plan.options.only_servers or member.kind not in _LAUNCHED:
        return ''
    kind, check = _LAUNCHED[member.kind]
    # A node of Solr's is of no use when it starts without ZooKeeper, and sometimes does not find back to one that was away.
    registry = ' --after-registry --renew-after 15s' if member.kind == 'solr' else ''
    return "'%s' --config '%s' launch --kind %s --member %s --address '%s' --health '%s' --data '%s'%s --" % (
        PROGRAM, _launcher_configuration(plan), kind, member.name, member.location, check % member.location,
        os.path.join(member.folder, 'data'), registry)


def _common(plan: Plan) -> Dict[str, Any]:
    return {'zookeeper_addresses': plan.zookeeper, 'chroot': plan.options.chroot}


def _context(plan: Plan, member: Member) -> Dict[str, Any]:
    context = {
        **_common(plan),
        'kind': member.kind,
        'address': member.address,
        'port': member.port,
        'folder': member.folder,
        'data': os.path.join(member.folder, 'data'),
        'log': os.path.join(member.folder, 'log'),
        'launch': _launch(plan, member),
        'program': PROGRAM,
        'registered_name': plan.registered_name(member),
        'java': os.path.join(PARTS, 'java'),
        'zookeeper': os.path.join(PARTS, 'zookeeper'),
        'mongodb': os.path.join(PARTS, 'mongodb'),
        'solr': os.path.join(PARTS, 'solr'),
        'replica_set': REPLICA_SET,
        'zookeeper_members': plan.zookeeper_members,
        'solr_heap': plan.options.solr_heap,
        'zookeeper_heap': plan.options.zookeeper_heap,
        'java_options': plan.options.java_options,
        'mongodb_cache_gigabytes': plan.options.mongodb_cache_gigabytes,
    }
    if member.kind in ('producer', 'consumer'):
        context.update(_role(plan, member.kind))
    if member.kind == 'zookeeper':
        context['zookeeper_id'] = plan.zookeeper_id(member)
    return context


def _write(path: str, template: str, context: Dict[str, Any], executable: bool = False) -> None:
    content = _ENVIRONMENT.get_template(template).render(context)
    with open(path + '.new', 'w') as output:
        output.write(content)
    os.chmod(path + '.new', 0o755 if executable else 0o644)
    os.replace(path + '.new', path)
