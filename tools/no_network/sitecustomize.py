"""Loaded by every Python that has this folder on PYTHONPATH: connections that leave the machine are refused."""

import ipaddress
import sys


def _stays_here(host):
    if isinstance(host, bytes):
        host = host.decode("ascii", "replace")
    if not host or str(host).lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(str(host).split("%")[0]).is_loopback
    except ValueError:
        return False


def _guard(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg") and isinstance(arguments[1], tuple):
        host = arguments[1][0]  # a tuple: an internet address; a string would be a socket file
    else:
        return
    if not _stays_here(host):
        raise ConnectionError(f"This test runs without a network, and something asked for {host!r}.")


sys.addaudithook(_guard)
