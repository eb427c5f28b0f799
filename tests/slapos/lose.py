"""Takes a partition from slapproxy as a master does whose computer has died: lose.py DATABASE PARTITION.

Its instance is placed elsewhere when it is requested next, and nothing is placed in the partition any more, until
lose.py DATABASE gives back all that were lost. slapproxy has no command for it.
"""

import sqlite3
import sys


def main(database, partition=None):
    with sqlite3.connect(database, timeout=30) as connection:
        tables = [name for name, in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'partition[0-9]*'")]
        for table in tables:
            if partition is None:
                connection.execute("UPDATE %s SET slap_state = 'free' WHERE slap_state = 'lost'" % table)
            else:
                connection.execute(
                    "UPDATE %s SET slap_state = 'lost', software_release = NULL, xml = NULL, connection_xml = NULL,"
                    " software_type = NULL, partition_reference = NULL, requested_by = '' WHERE reference = ?" % table,
                    (partition,))
    return 0 if tables else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
