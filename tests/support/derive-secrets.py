"""Runs the section [roles] of a cluster's root as slapos.recipe.build does: {"secret", "parameters"} on standard input.

Prints its options, as JSON: what each member of a cluster is told to prove itself with.
"""

import io
import json
import os
import sys
import textwrap
import types

import zc.buildout.configparser

CHECKOUT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def main():
    given = json.load(sys.stdin)
    with open(os.path.join(CHECKOUT, 'templates', 'instance-default.cfg.in')) as content:
        text = content.read()
    section = text[text.index('\n[roles]\n') + 1:text.index('\n[certificates]\n')]
    code = zc.buildout.configparser.parse(io.StringIO(section), 'roles')['roles']['init']
    volatile = []
    fake = types.ModuleType('slapos.recipe.publish_early')
    fake.volatileOptions = lambda options, names: volatile.extend(names)
    sys.modules.update({'slapos': fake, 'slapos.recipe': fake, 'slapos.recipe.publish_early': fake})
    buildout = {
        'publish-early': {'admin-secret': given['secret']}, 'slap-configuration': {'configuration': given['parameters']}}
    scope = {'self': types.SimpleNamespace(buildout=buildout), 'options': {}}
    exec(textwrap.dedent(code), scope)
    print(json.dumps({'options': scope['options'], 'volatile': volatile}))


if __name__ == '__main__':
    main()
