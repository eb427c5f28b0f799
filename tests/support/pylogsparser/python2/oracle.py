"""PyLogsParser on Python 2.7 as the oracle of the differential test.

Usage: python2.7 oracle.py FOLDER NOW <LINES >RESULTS

FOLDER is PyLogsParser's source, NOW what its definitions see as the time (seconds since the epoch, UTC). Every line of
the input is a log line as a JSON string; every line of the output is JSON again: {"tags": {name: [type, text]},
"error": class of the exception that ended the chain, or null}. Types are s (text), i (integer), f (float), d (date).
"""

import datetime
import json
import os
import sys

folder, now = sys.argv[1], float(sys.argv[2])
here = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [here, folder]
# Nothing is written into the dependency's folder.
sys.dont_write_bytecode = True


class FixedTime(datetime.datetime):
    """A datetime for which it is always NOW, in UTC."""

    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.utcfromtimestamp(now)

    utcnow = now


import logsparser.normalizer  # noqa: E402
logsparser.normalizer.datetime = FixedTime
from logsparser import lognormalizer  # noqa: E402


class OrderedNormalizer(lognormalizer.LogNormalizer):
    """Takes the definitions in the order of their names, not in that of the file system."""

    def iter_normalizer(self):
        return iter(sorted(lognormalizer.LogNormalizer.iter_normalizer(self)))


def printed(value):
    if isinstance(value, basestring):
        return ['s', value]
    if isinstance(value, datetime.datetime):
        return ['d', str(value)]
    if isinstance(value, float):
        return ['f', repr(value)]
    if isinstance(value, (int, long)):
        return ['i', str(value)]
    return ['other', repr(value)]


def main():
    chain = OrderedNormalizer(os.path.join(folder, 'normalizers'))
    for line in iter(sys.stdin.readline, ''):
        text = json.loads(line)
        log = {'raw': text, 'body': text}
        error = None
        try:
            chain.lognormalize(log)
        except Exception as exception:
            error = '%s: %s' % (type(exception).__name__, repr(exception.args)[:300])
        del log['uuid']
        print json.dumps({'tags': dict((name, printed(value)) for name, value in log.items()), 'error': error})


main()
