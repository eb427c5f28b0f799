"""Packs a release of its own into sdist/: what a web server has to serve for "slapos supply http://.../software.cfg".

sdist/ has the profiles, the files that they fetch, the archive of the program's source, and a
components/program/source.cfg with the archive's address, relative to itself, and sha256. The same source gives
the same archive, byte by byte.

    sdist.py [TARGET [VERSION]]    VERSION in the place of that of package.json, as for a candidate
"""

import gzip
import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TARGET = os.path.join(CHECKOUT, 'sdist')
# What the profiles extend is found in them; the rest is listed in buildout.hash.cfg.
PROFILE = 'software.cfg'
SOURCE = """\
# Made by "make sdist": where the SlapOS release takes the program's source from.

[program-source]
url = ${:_profile_base_location_}/%s
sha256 = %s
repository =
revision =
"""


def main(arguments) -> int:
    target = os.path.abspath(arguments[0]) if arguments else TARGET
    version = arguments[1] if len(arguments) > 1 else version_of(read('package.json'))
    subprocess.check_call([sys.executable, os.path.join(CHECKOUT, 'tools', 'hash-files.py'), '--check'])
    shutil.rmtree(target, ignore_errors=True)
    for name in sorted(profiles(PROFILE) | fetched()):
        os.makedirs(os.path.join(target, os.path.dirname(name)), exist_ok=True)
        shutil.copyfile(os.path.join(CHECKOUT, name), os.path.join(target, name))
    stem = 'resilog-%s' % version
    archive = pack(stem, version)
    with open(os.path.join(target, 'components', 'program', stem + '.tar.gz'), 'wb') as output:
        output.write(archive)
    digest = hashlib.sha256(archive).hexdigest()
    with open(os.path.join(target, 'components', 'program', 'source.cfg'), 'w') as output:
        output.write(SOURCE % (stem + '.tar.gz', digest))
    print('%s: serve this folder and supply its %s; %s.tar.gz has sha256 %s' % (target, PROFILE, stem, digest))
    return 0


def profiles(name):
    """A profile and all that it extends."""
    found = {name}
    with open(os.path.join(CHECKOUT, name)) as content:
        extends = re.search(r'^extends =((?: .*|\n +.*)*)', content.read(), re.MULTILINE)
    for other in extends.group(1).split() if extends else []:
        found |= profiles(os.path.normpath(os.path.join(os.path.dirname(name), other)))
    return found


def fetched():
    with open(os.path.join(CHECKOUT, 'buildout.hash.cfg')) as content:
        return set(re.findall(r'^filename = (\S+)$', content.read(), re.MULTILINE))


def read(name):
    with open(os.path.join(CHECKOUT, name), 'rb') as content:
        return content.read()


def version_of(package):
    return json.loads(package)['version']


def pack(stem, version):
    """The archive's bytes: sorted, without times and owners."""
    with open(os.path.join(CHECKOUT, 'components', 'program', 'content.txt')) as content:
        names = content.read().split()
    packed = io.BytesIO()
    with gzip.GzipFile('', 'wb', 9, packed, mtime=0) as compressed, \
            tarfile.open(fileobj=compressed, mode='w', format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(file for name in names for file in files_of(name)):
            content = read(name)
            if name == 'package.json':
                content = content.replace(version_of(content).encode(), version.encode(), 1)
            member = tarfile.TarInfo('%s/%s' % (stem, name))
            member.size = len(content)
            member.mode = 0o755 if os.access(os.path.join(CHECKOUT, name), os.X_OK) else 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def files_of(name):
    path = os.path.join(CHECKOUT, name)
    if os.path.isfile(path):
        return [name]
    return [os.path.relpath(os.path.join(parent, file), CHECKOUT)
            for parent, _, files in os.walk(path) for file in files]


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
