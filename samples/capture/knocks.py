"""Opens TCP connections, and sends datagrams, to the gateway's ports from many addresses.

usage: knocks.py <IPv4 address> <IPv6 address> <count>
"""
import socket
import sys

PORTS = (21, 22, 23, 25, 80, 110, 135, 139, 445, 23, 443, 993)


def attempt(family, kind, source, target):
    with socket.socket(family, kind) as client:
        client.settimeout(0.03)
        try:
            client.bind((source, 0))
            client.connect(target)
            client.send(b"probe")
        except OSError:
            pass  # refused or dropped: that is what the packet filter is there for


def main():
    ip, ip6, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    for n in range(1, count + 1):
        source = ("192.0.2.%d" % (101 + n * 7 % 40), "198.51.100.%d" % (11 + n * 11 % 30),
                  "203.0.113.%d" % (11 + n * 13 % 30))[n % 3]
        source6 = "2001:db8:0:1::%d" % (11 + n * 7 % 30)
        attempt(socket.AF_INET, socket.SOCK_STREAM, source, (ip, PORTS[n % 12]))
        attempt(socket.AF_INET6, socket.SOCK_STREAM, source6, (ip6, PORTS[n * 5 % 12]))
        attempt(socket.AF_INET, socket.SOCK_DGRAM, source, (ip, 1000 + n * 37 % 60000))


main()
