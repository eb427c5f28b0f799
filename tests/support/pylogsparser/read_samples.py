"""Reads the sample lines of PyLogsParser's own test suite, with the tags that it asserts.

Usage: python3 read_samples.py FOLDER NOW >CASES

FOLDER is PyLogsParser's source, NOW the time that the tests see (seconds since the epoch, UTC). The module
tests/test_log_samples.py is run with a recorder in the place of PyLogsParser, so that nothing of it is copied. Every
line of the output is JSON: {"test", "line", "zone": name or null, "expected": {tag: [type, text]}, "absent": [tag]};
types are s (text), i (integer), d (date).
"""

import builtins
import datetime
import io
import json
import os
import re
import sys
import types
import warnings

folder, now = sys.argv[1], float(sys.argv[2])
RealDatetime = datetime.datetime


class FixedTime(RealDatetime):
    """A datetime for which it is always NOW, in UTC."""

    @classmethod
    def now(cls, tz=None):
        return RealDatetime.fromtimestamp(now, datetime.timezone.utc).replace(tzinfo=None)

    utcnow = now


class Zone:
    """A zone of pytz with the offset that it has in winter."""

    OFFSETS = {'UTC': 0, 'Asia/Tokyo': 9, 'America/Anchorage': -9}

    def __init__(self, name):
        self.zone = datetime.timezone(datetime.timedelta(hours=self.OFFSETS[name]))

    def localize(self, date):
        return date.replace(tzinfo=self.zone)


def printed(value):
    if isinstance(value, RealDatetime):
        return ['d', str(value)]
    return ['s', value] if isinstance(value, str) else ['i', str(value)]


def load():
    """The module, its Python 2 read as Python 3: it differs in leading zeros, tabs and unicode()."""
    library, lognormalizer = types.ModuleType('logsparser'), types.ModuleType('logsparser.lognormalizer')
    lognormalizer.LogNormalizer = lambda path: None
    library.lognormalizer = lognormalizer
    zones = types.ModuleType('pytz')
    zones.timezone = Zone
    sys.modules.update({'logsparser': library, 'logsparser.lognormalizer': lognormalizer, 'pytz': zones})
    os.environ['NORMALIZERS_PATH'] = ''
    # What Python 2 calls file(); the tests ask it for the machine's zone.
    builtins.file = lambda path: io.StringIO('UTC\n')
    builtins.unicode = lambda text, encoding: text
    with open(os.path.join(folder, 'tests', 'test_log_samples.py'), encoding='utf-8') as content:
        source = content.read()
    source = re.sub(r'datetime\([0-9, ]+\)', lambda call: re.sub(r'\b0+(?=[0-9])', '', call.group()), source)
    source = re.sub(r'^[ \t]+', lambda indent: indent.group().expandtabs(8), source, flags=re.MULTILINE)
    module = types.ModuleType('samples')
    with warnings.catch_warnings():
        # Windows' paths in its texts look like escapes.
        warnings.simplefilter('ignore')
        exec(compile(source, 'test_log_samples.py', 'exec'), module.__dict__)
    module.datetime = FixedTime
    return module


def main():
    test = load().Test
    name = None

    def record(self, line, expected, absent=(), tzinfo=None):
        print(json.dumps({'test': name, 'line': line, 'zone': tzinfo, 'absent': list(absent),
                          'expected': {tag: printed(value) for tag, value in expected.items()}}))

    test.aS = record
    for name in sorted(vars(test)):
        if name.startswith('test'):
            getattr(test(name), name)()


main()
