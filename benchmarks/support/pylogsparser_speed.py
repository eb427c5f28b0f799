"""Speed of PyLogsParser itself, for benchmarks/normaliser.ts.

Usage: python2.7 pylogsparser_speed.py SUPPORT FOLDER LINES

SUPPORT has the stand-ins for modules that PyLogsParser imports, FOLDER is its source, LINES a file with one line as a
JSON string each. For each line of the input it normalises all lines once and answers "<seconds> <CPU seconds>".
"""

import json
import os
import resource
import sys
import time

support, folder, lines = sys.argv[1:4]
sys.path[:0] = [support, folder]
sys.dont_write_bytecode = True

from logsparser import lognormalizer  # noqa: E402


def main():
    chain = lognormalizer.LogNormalizer(os.path.join(folder, 'normalizers'))
    with open(lines) as source:
        texts = [json.loads(line) for line in source]
    for _ in iter(sys.stdin.readline, ''):
        computed = resource.getrusage(resource.RUSAGE_SELF)
        started = time.time()
        for text in texts:
            try:
                chain.lognormalize({'raw': text, 'body': text})
            except Exception:
                # A callback refused; the original gives the line up here, as ours does.
                pass
        seconds = time.time() - started
        now = resource.getrusage(resource.RUSAGE_SELF)
        print seconds, now.ru_utime + now.ru_stime - computed.ru_utime - computed.ru_stime
        sys.stdout.flush()


main()
