"""Asks the double for one record, as often and as fast as it can.

    double_load.py PORT TOKEN TARGET COUNT: prints the requests per second.

A process of its own, for a thread would share the double's time."""

import random
import socket
import ssl
import sys
import threading
import time
import uuid

CONNECTIONS = 8


def context():
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False         # nothing secret is sent
    made.verify_mode = ssl.CERT_NONE
    return made


def answer_size(head):
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return int(line.split(b":")[1])
    raise ValueError("no Content-Length")


def read_answer(stream):
    data = b""
    while b"\r\n\r\n" not in data:
        data += stream.recv(65536)
    if not data.startswith(b"HTTP/1.1 200"):
        raise ValueError(data[:200])
    head, _, body = data.partition(b"\r\n\r\n")
    missing = answer_size(head) - len(body)
    while missing > 0:
        missing -= len(stream.recv(65536))


def load(port, token, target, count):
    with context().wrap_socket(
            socket.create_connection(("127.0.0.1", port))) as stream:
        for _ in range(count):
            number = uuid.UUID(int=random.getrandbits(128), version=4)
            stream.sendall(
                f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"
                f"Authorization: Bearer {token}\r\n"
                f"Prefer: include-unknown-enum-members\r\n"
                f"client-request-id: {number}\r\n\r\n".encode())
            read_answer(stream)


def main():
    port, token, target, count = sys.argv[1:]
    threads = [threading.Thread(target=load, args=(
        int(port), token, target, int(count) // CONNECTIONS))
        for _ in range(CONNECTIONS)]
    begun = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    print(int(count) / (time.monotonic() - begun))


if __name__ == "__main__":
    main()
