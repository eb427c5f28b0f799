"""A private SlapOS for tests: slapproxy as the master and one node, of the user who starts it.

    node.py start FOLDER PORT PARTITIONS ADDRESS [SOFTWARE]    ADDRESS is ::1, which all partitions share, or a /64;
                                                               SOFTWARE is another node's folder of releases
    node.py stop FOLDER PORT

FOLDER has to be short: sockets lie in it. FOLDER/bin/slapos is the command for all else.
"""

import logging
import os
import sys

from slapos.slap.standalone import StandaloneSlapOS

# The master is the test's own business: nothing of the release listens there.
PROXY_ADDRESS = '127.0.0.1'


def main(action, folder, port, partitions='8', address='::1', software=None):
    logging.basicConfig(level=logging.WARNING)
    os.makedirs(folder, exist_ok=True)
    slapos = os.path.join(os.path.dirname(sys.executable), 'slapos')
    node = StandaloneSlapOS(folder, PROXY_ADDRESS, int(port), computer_id='local', slapos_bin=slapos,
                            software_root=software)
    if action == 'start':
        node.start()
        node.format(int(partitions), PROXY_ADDRESS, address)
    else:
        node.stop()


if __name__ == '__main__':
    main(*sys.argv[1:])
