"""Changes what slapproxy keeps of an instance: publish.py DATABASE PARTITION FILE.

The members of the JSON object in FILE take the place of those that the instance in the partition has published. What
was published a year ago can be put there this way.
"""

import json
import sqlite3
import sys
from xml.etree import ElementTree


def main(database, partition, file):
    with open(file) as content:
        changes = json.load(content)
    with sqlite3.connect(database, timeout=30) as connection:
        tables = [name for name, in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name GLOB 'partition[0-9]*'")]
        for table in tables:
            (text,), = connection.execute('SELECT connection_xml FROM %s WHERE reference = ?' % table, (partition,))
            tree = ElementTree.fromstring(text.encode())
            parameter = tree.find("parameter[@id='_']")
            parameter.text = json.dumps(dict(json.loads(parameter.text), **changes))
            connection.execute('UPDATE %s SET connection_xml = ? WHERE reference = ?' % table,
                               (ElementTree.tostring(tree, 'unicode'), partition))
    return 0 if tables else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
