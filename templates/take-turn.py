"""Lets a running service be restarted only when it is its turn: take-turn.py NOTE PID-FILE DIGEST LOG -- PROGRAM turn ...

NOTE has the digest of what the service was last started with, and its PROGRAM. If the digest is another than DIGEST, and
the process of PID-FILE runs, that former program, which knows the configuration as it is, is asked for the turn: it
writes "granted" and goes on, keeping the turn until the service works again. Ends with 1 and the reason when the turn was
not had: the service then has to run on as it is.
"""

import os
import subprocess
import sys


def main(arguments):
    note, pid_file, digest, log = arguments[:4]
    command = arguments[5:]
    former_digest, _, program = read(note).partition(' ')
    if former_digest in ('', digest) or not runs(pid_file):
        return 0
    if os.access(program, os.X_OK):
        command[0] = program
    with open(log, 'a') as output:
        output.seek(0, os.SEEK_END)
        begin = output.tell()
        # In a session of its own: it lives until the service is restarted, longer than who asks.
        turn = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=output,
                                universal_newlines=True, start_new_session=True)
    if turn.stdout.readline().strip() == 'granted':
        return 0
    turn.wait()
    with open(log) as content:
        content.seek(begin)
        # Its events are JSON; what is left is for people.
        said = [line.strip() for line in content if not line.startswith('{')]
    print('%s. The service runs on as it was; the next run tries again. To restart it all the same, remove %s.'
          % (': '.join(said).rstrip('.'), note))
    return 1


def runs(pid_file):
    """Whether the process that keep-running.sh noted is the one that has its number now."""
    pid, _, start = read(pid_file).partition(' ')
    stat = read('/proc/%s/stat' % pid) if pid.isdigit() else ''
    fields = stat.rpartition(')')[2].split()
    return len(fields) > 19 and fields[0] != 'Z' and fields[19] == start


def read(path):
    try:
        with open(path) as content:
            return content.read().strip()
    except FileNotFoundError:
        return ''


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
