"""Rotates logs by day and by size: rotate-logs.py FOLDER ARCHIVE [--keep N] [--now]

Every FOLDER/*-output.log that is not empty is compressed into ARCHIVE once a day, after midnight UTC, or as soon as it
has 64 MiB. Of each log the newest N files are kept (30 by default). Without --now it goes on for ever.

The log is copied and then emptied, since its writers hold it open: they have to append. What they write in the moment
between the two is lost, and a rotation that is killed there leaves the same lines in two places.
"""

import argparse
import fcntl
import glob
import gzip
import os
import shutil
import sys
import time

BYTES_MAX = 64 * 1024 * 1024
KEPT = 30
LOOK_SECONDS = 60
DAY_SECONDS = 86400


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder')
    parser.add_argument('archive')
    parser.add_argument('--keep', type=int, default=KEPT)
    parser.add_argument('--now', action='store_true')
    options = parser.parse_args(arguments)
    if options.now:
        rotate_all(options, 1)
        return 0
    day = time.time() // DAY_SECONDS
    while True:
        time.sleep(LOOK_SECONDS)
        today = time.time() // DAY_SECONDS
        try:
            rotate_all(options, 1 if today != day else BYTES_MAX)
            day = today
        except OSError as error:
            # A full disk, say: tried again at the next look.
            print('rotate-logs: %s' % error, file=sys.stderr, flush=True)


def rotate_all(options, bytes_min):
    """Rotates the logs that have so many bytes, and removes the oldest archives of each."""
    os.makedirs(options.archive, mode=0o700, exist_ok=True)
    folder = os.open(options.archive, os.O_RDONLY)
    try:
        # One at a time: the service, or somebody's --now.
        fcntl.flock(folder, fcntl.LOCK_EX)
        rotate_locked(options, bytes_min)
    finally:
        os.close(folder)


def rotate_locked(options, bytes_min):
    for unfinished in glob.glob(os.path.join(options.archive, '*.part')):
        os.unlink(unfinished)
    for path in sorted(glob.glob(os.path.join(options.folder, '*-output.log'))):
        if os.path.getsize(path) >= bytes_min:
            rotate(path, options.archive)
        name = os.path.basename(path)
        kept = sorted(glob.glob(os.path.join(options.archive, name + '-*.gz')))
        for old in kept[:max(0, len(kept) - options.keep)]:
            os.unlink(old)


def rotate(path, archive):
    moment = time.time()
    stamp = time.strftime('%Y%m%d-%H%M%S', time.gmtime(moment)) + '-%03d' % (moment % 1 * 1000)
    target = os.path.join(archive, '%s-%s.gz' % (os.path.basename(path), stamp))
    with open(path, 'r+b') as log:
        with gzip.open(target + '.part', 'wb') as copy:
            shutil.copyfileobj(log, copy, 1024 * 1024)
        os.chmod(target + '.part', 0o600)
        os.rename(target + '.part', target)
        log.truncate(0)


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
