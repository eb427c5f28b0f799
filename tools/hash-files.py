"""Writes the md5sum of every file that software.cfg fetches into buildout.hash.cfg. With --check only compares.

Ends with 1 and names each file that has changed, is missing, or is a template or schema of the release and not listed.
"""

import glob
import hashlib
import os
import re
import sys

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROFILE = os.path.join(CHECKOUT, 'buildout.hash.cfg')
# The local cluster alone uses this one.
NOT_FETCHED = {'templates/supervisord.conf.in'}
ENTRY = re.compile(r'^(\[[^\]]+\]\nfilename = (\S+)\nmd5sum =) ?(\S*)$', re.MULTILINE)


def main(arguments) -> int:
    with open(PROFILE) as content:
        before = content.read()
    problems = []

    def fresh(entry):
        name = entry.group(2)
        try:
            with open(os.path.join(CHECKOUT, name), 'rb') as content:
                digest = hashlib.md5(content.read()).hexdigest()
        except FileNotFoundError:
            problems.append('%s is listed and does not exist' % name)
            return entry.group(0)
        if arguments == ['--check'] and digest != entry.group(3):
            problems.append('%s has changed: run "make hashes"' % name)
        return '%s %s' % (entry.group(1), digest)

    after = ENTRY.sub(fresh, before)
    listed = {entry.group(2) for entry in ENTRY.finditer(before)}
    for pattern in ('templates/*', 'schemas/instance-*.json', 'instance.cfg.in', 'software.cfg.json'):
        for path in glob.glob(os.path.join(CHECKOUT, pattern)):
            name = os.path.relpath(path, CHECKOUT)
            if name not in listed | NOT_FETCHED:
                problems.append('%s is not listed: name its section and file in buildout.hash.cfg' % name)
    for problem in problems:
        print('hash-files: %s' % problem, file=sys.stderr)
    if arguments != ['--check'] and after != before:
        with open(PROFILE, 'w') as output:
            output.write(after)
    return 1 if problems else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
