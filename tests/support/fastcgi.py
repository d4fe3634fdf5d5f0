"""A FastCGI peer without a web server."""

import socket
import struct

from support.answers import parse_cgi


class FastCGI:
    """A bare FastCGI peer, for what no web server would let through."""

    BEGIN, ABORT, END, PARAMS, STDIN, STDOUT, STDERR = range(1, 8)
    KEEP = 1

    def __init__(self, path, seconds=30):
        self.socket = socket.socket(socket.AF_UNIX)
        # A socket with a time-out does not wait in connect() while the backlog
        # is full, as after a burst, but fails at once (EAGAIN).
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO,
                               struct.pack("ll", seconds, 0))
        self.socket.connect(str(path))
        self.socket.settimeout(seconds)
        self.pending = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)

    def record(self, kind, content=b"", request=1):
        self.raw(struct.pack("!BBHHBx", 1, kind, request, len(content), 0)
                 + content)

    def begin(self, flags=0, role=1, request=1):
        self.record(self.BEGIN, struct.pack("!HB5x", role, flags), request)

    def stream(self, kind, data, end=True, request=1):
        for start in range(0, len(data), 65535):
            self.record(kind, data[start:start + 65535], request)
        if end:
            self.record(kind, b"", request)

    def params(self, variables, end=True):
        self.stream(self.PARAMS, b"".join(
            self.pair(name, value) for name, value in variables.items()), end)

    def head(self, variables, **beginning):
        self.begin(**beginning)
        self.params(variables)

    def stdin(self, data, end=True):
        self.stream(self.STDIN, data, end)

    def abort(self):
        self.record(self.ABORT)

    @staticmethod
    def pair(name, value):
        def length(text):
            if len(text) < 128:
                return bytes([len(text)])
            return struct.pack("!I", len(text) | 0x80000000)

        name = name.encode()
        value = value if isinstance(value, bytes) else str(value).encode()
        return length(name) + length(value) + name + value

    def _read(self, size):
        while len(self.pending) < size:
            data = self.socket.recv(65536)
            if not data:
                raise ConnectionError("closed before the end of the answer")
            self.pending += data
        data, self.pending = self.pending[:size], self.pending[size:]
        return data

    def answer(self):
        """Read to the end of the request; ConnectionError if it is cut."""
        output = b""
        while True:
            head = self._read(8)
            _, kind, _, length, padding = struct.unpack("!BBHHBx", head)
            content = self._read(length + padding)[:length]
            if kind == self.STDOUT:
                output += content
            elif kind == self.END:
                return parse_cgi(output)
