"""Somebody who asks a web server for too much, from an address of its own."""

import collections
import contextlib
import re
import socket

STRANGER, OTHER = "127.0.0.1", "127.0.0.2"


def connect(server, address):
    return socket.create_connection(("127.0.0.1", server.port), 10,
                                    source_address=(address, 0))


def handshakes(server, address, count):
    """The statuses of so many handshakes, sent all at once."""
    request = (b"GET /callhook?validationToken=x HTTP/1.1\r\n"
               b"Host: calls.example.com\r\n%s\r\n")
    with connect(server, address) as connection:
        connection.sendall(request % b"" * (count - 1)
                           + request % b"Connection: close\r\n")
        answers = b""
        with contextlib.suppress(ConnectionResetError):
            while more := connection.recv(65536):
                answers += more
    return collections.Counter(
        int(status) for status in re.findall(rb"HTTP/1\.1 (\d+)", answers))


def hold(server, stack, count):
    """Connections whose request never ends."""
    held = [stack.enter_context(connect(server, STRANGER))
            for _ in range(count)]
    for connection in held:
        with contextlib.suppress(OSError):
            connection.sendall(b"POST /callhook HTTP/1.1\r\nHost: x\r\n"
                               b"Content-Length: 10\r\n\r\n{")
    return held
