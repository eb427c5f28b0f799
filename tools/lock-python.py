"""Pins the Python packages of the build: writes components/python/*.txt and versions.cfg.

Usage: python3 tools/lock-python.py PYTHON3.9 PYTHON3.10 ... (an interpreter of each version to support, oldest first)

Resolves the packages wanted below on every interpreter and writes one line for each version found, with a marker where
interpreters differ, and the sha256 of each file that was chosen. Needs the network; review the difference.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BOOTSTRAP = ['pip==25.3', 'setuptools==80.8.0', 'wheel==0.45.1']
WANTED = ['slapos.recipe.build==0.66', 'supervisor==4.3.0', 'Jinja2==3.1.6', 'platformdirs==4.4.0']
# The last versions for Python 3.9, and those for everything later.
WANTED_OLD = ['zc.buildout==5.1.3', 'jgo==2.1.0']
WANTED_NEW = ['zc.buildout==6.0.1', 'jgo==3.2.0']
# Interpreters that need not be here: wheels made for one version of Python are looked up for these too.
FURTHER = ['3.14']
VERSIONS_HEAD = """\
# Python packages of the build. components/python/*.txt pins the same versions, with sha256, for the
# virtual environment; npm's packages are pinned in package-lock.json, Java's in components/*/jgo.lock.toml,
# servers in components/*/buildout.cfg.

[buildout]
versions = versions

[versions]
"""


def resolve(python):
    """Returns the interpreter's version and {name: (version, sha256)}."""
    query = 'import sys; print(sys.version_info[0], sys.version_info[1])'
    version = tuple(map(int, subprocess.check_output([python, '-c', query], universal_newlines=True).split()))
    wanted = BOOTSTRAP + WANTED + (WANTED_OLD if version < (3, 10) else WANTED_NEW)
    with tempfile.TemporaryDirectory() as work:
        subprocess.check_call([python, '-m', 'venv', work + '/venv'])
        pip = [work + '/venv/bin/python', '-m', 'pip', '--quiet', '--disable-pip-version-check']
        subprocess.check_call(pip + ['install'] + BOOTSTRAP[:1])
        subprocess.check_call(pip + ['install', '--dry-run', '--ignore-installed', '--report', work + '/report']
                              + wanted)
        with open(work + '/report') as content:
            items = json.load(content)['install']
    return version, {
        item['metadata']['name']: (item['metadata']['version'],
                                   item['download_info']['archive_info']['hashes']['sha256'],
                                   item['download_info']['url'].rsplit('/', 1)[1])
        for item in items}


def further_digests(name, number, file):
    """The sha256 of the same package's wheels for interpreters that are not here, if it has one for each."""
    if not re.search(r'-cp3\d+-cp3\d+-', file):
        return set()
    found = set()
    for version in FURTHER:
        with tempfile.TemporaryDirectory() as work:
            subprocess.check_call([
                sys.executable, '-m', 'pip', '--quiet', '--disable-pip-version-check', 'download', '--no-deps',
                '--python-version', version, '--platform', 'manylinux2014_x86_64', '--only-binary', ':all:',
                '--dest', work, '%s==%s' % (name, number)])
            for wheel in os.listdir(work):
                with open(os.path.join(work, wheel), 'rb') as content:
                    found.add(hashlib.sha256(content.read()).hexdigest())
    return found


def marker(versions, every):
    """Environment marker of the interpreters that take a package; they have to be neighbours."""
    first, last = every.index(versions[0]), every.index(versions[-1])
    if every[first:last + 1] != versions:
        raise SystemExit('no marker for %r' % (versions,))
    bounds = []
    if first > 0:
        bounds.append('python_version >= "%d.%d"' % versions[0])
    if last < len(every) - 1:
        bounds.append('python_version < "%d.%d"' % every[last + 1])
    return ' ; ' + ' and '.join(bounds) if bounds else ''


def main(pythons):
    resolved = sorted((resolve(python) for python in pythons), key=lambda item: item[0])
    every = [version for version, _ in resolved]
    pins = {}
    for version, packages in resolved:
        for name, (number, digest, file) in packages.items():
            pins.setdefault(name, {}).setdefault(number, []).append((version, digest, file))
    names = sorted(pins, key=str.lower)
    bootstrap = {item.split('==')[0] for item in BOOTSTRAP}
    for file, title, chosen in (
            ('bootstrap.txt', 'What builds the others.', [name for name in names if name in bootstrap]),
            ('requirements.txt', 'What the build and the local cluster use.',
             [name for name in names if name not in bootstrap])):
        with open(os.path.join(CHECKOUT, 'components', 'python', file), 'w') as output:
            output.write('# Made by tools/lock-python.py: do not edit. %s\n' % title)
            for name in chosen:
                for number, found in pins[name].items():
                    output.write('%s==%s%s' % (name, number, marker([item[0] for item in found], every)))
                    digests = {item[1] for item in found} | further_digests(name, number, found[-1][2])
                    for digest in sorted(digests):
                        output.write(' \\\n    --hash=sha256:' + digest)
                    output.write('\n')
    with open(os.path.join(CHECKOUT, 'versions.cfg'), 'w') as output:
        output.write(VERSIONS_HEAD)
        for name in names:
            # What the latest interpreter takes.
            output.write('%s = %s\n' % (name, list(pins[name])[-1]))


if __name__ == '__main__':
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    main(sys.argv[1:])
