"""HTTP/1.1 over TLS: a listener, its requests and its answers.

Made for speed: http.server takes three times as long for a request."""

import dataclasses
import http
import json
import socket
import ssl
import threading
import time

HEAD_LIMIT = 64 << 10
BODY_LIMIT = 4 << 20
IDLE_SECONDS = 120
DRIPS = 20

JSON = "application/json"
_PHRASES = {status.value: status.phrase for status in http.HTTPStatus}


class Unreadable(Exception):
    """What came is no request that we understand."""


@dataclasses.dataclass
class Request:
    """One request; the front adds who sent it and what it wants."""

    method: str
    target: str
    headers: dict
    body: bytes
    endpoint: str = ""
    tenant_id: str = ""
    client_id: str = ""
    parts: dict = dataclasses.field(default_factory=dict)
    token: object = None
    fault: object = None
    request_id: str = ""

    @property
    def path(self):
        return self.target.partition("?")[0]

    @property
    def query(self):
        return self.target.partition("?")[2]

    @property
    def content_type(self):
        given = self.headers.get("content-type", "")
        return given.partition(";")[0].strip().lower()


@dataclasses.dataclass
class Answer:
    """What goes back, and how badly: see faults.Fault."""

    status: int = 200
    body: bytes = b""
    headers: dict = dataclasses.field(default_factory=dict)
    drop: bool = False          # close without a byte
    cut: bool = False           # close amid the body
    delay: float = 0            # seconds before the first byte
    drip: float = 0             # seconds from the first to the last

    @classmethod
    def of(cls, status, content, **headers):
        """An answer of JSON; the name of a header has _ for -."""
        named = {name.replace("_", "-"): value
                 for name, value in headers.items()}
        return cls(status, json.dumps(content).encode(),
                   {"Content-Type": JSON, **named})

    def bytes(self):
        lines = [f"HTTP/1.1 {self.status} {_PHRASES.get(self.status, '')}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        if self.status != 204:
            lines.append(f"Content-Length: {len(self.body)}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


class Connection:
    """One connection of a client: requests, one after the other."""

    def __init__(self, listener, stream):
        self.listener = listener
        self.stream = stream
        self.pending = b""

    def serve(self):
        """Until one of the two sides has enough."""
        while True:
            request = self._read()
            if request is None:
                return
            answer = self.listener.handler(request)
            if not self._send(answer):
                return
            if request.headers.get("connection", "").lower() == "close":
                return

    def _more(self):
        data = self.stream.recv(65536)
        self.pending += data
        return bool(data)

    def _read(self):
        """The next request; None at the end of the connection."""
        while b"\r\n\r\n" not in self.pending:
            if len(self.pending) > HEAD_LIMIT:
                raise Unreadable("a head without end")
            if not self._more():
                if self.pending:
                    raise Unreadable("a request cut in its head")
                return None
        head, _, self.pending = self.pending.partition(b"\r\n\r\n")
        request = parse_head(head)
        size = body_size(request)
        if request.headers.get("expect") and len(self.pending) < size:
            self.stream.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        while len(self.pending) < size:
            if not self._more():
                raise Unreadable("a request cut in its body")
        request.body, self.pending = self.pending[:size], self.pending[size:]
        return request

    def _send(self, answer):
        """False: this connection is over."""
        self.listener.wait(answer.delay)
        if answer.drop:
            return False
        if answer.cut:
            half = answer.body[:len(answer.body) // 2]
            self.stream.sendall(answer.bytes() + half)
            return False
        if not answer.drip:
            self.stream.sendall(answer.bytes() + answer.body)
            return True
        self.stream.sendall(answer.bytes())
        step = len(answer.body) // DRIPS + 1
        for start in range(0, len(answer.body), step):
            self.listener.wait(answer.drip / DRIPS)
            self.stream.sendall(answer.body[start:start + step])
        return True


def parse_head(head):
    try:
        first, *lines = head.decode("ascii").split("\r\n")
        method, target, version = first.split(" ")
    except ValueError:
        raise Unreadable("no request line") from None
    if version != "HTTP/1.1" or not target.startswith("/"):
        raise Unreadable(f"a request of {version}")
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.lower()
        if not colon or not name or name != name.strip() or name in headers:
            raise Unreadable(f"a wrong or repeated header: {name!r}")
        headers[name] = value.strip()
    return Request(method, target, headers, b"")


def body_size(request):
    if "transfer-encoding" in request.headers:
        raise Unreadable("a chunked request")
    given = request.headers.get("content-length", "0")
    if not given.isdecimal() or int(given) > BODY_LIMIT:
        raise Unreadable(f"Content-Length: {given}")
    return int(given)


class Listener:
    """A port of 127.0.0.1 with a thread for each connection.

    handler: Request to Answer. complain: told of what was no request."""

    def __init__(self, context, handler, complain, name="127.0.0.1"):
        self.context = context
        self.handler = handler
        self.complain = complain
        self.connections = 0            # that were ever accepted
        self._open = set()
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port = self._socket.getsockname()[1]
        self.url = f"https://{name}:{self.port}"
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def wait(self, seconds):
        if seconds:
            self._stopping.wait(seconds)

    def _accept(self):
        while True:
            try:
                accepted, _ = self._socket.accept()
            except OSError:
                return
            if self._stopping.is_set():
                accepted.close()
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=[accepted],
                             daemon=True).start()

    def _serve(self, accepted):
        with accepted, self._held(accepted):
            accepted.settimeout(IDLE_SECONDS)
            accepted.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            try:
                with self.context.wrap_socket(
                        accepted, server_side=True,
                        do_handshake_on_connect=False) as stream, \
                        self._held(stream):
                    stream.do_handshake()
                    Connection(self, stream).serve()
            except Unreadable as trouble:
                self.complain(f"{self.url}: {trouble}")
            except OSError:
                pass        # It left; the double has its part in the log.

    def _held(self, held):
        return _Held(self._open, self._lock, held)

    def stop(self):
        self._stopping.set()
        # A thread in accept() does not notice a close().
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(20)
        deadline = time.monotonic() + 20
        while self._open and time.monotonic() < deadline:
            with self._lock:
                for held in self._open:
                    _shut(held)
            time.sleep(0.005)


class _Held:
    """A socket that stop() ends."""

    def __init__(self, pool, lock, held):
        self.pool, self.lock, self.held = pool, lock, held

    def __enter__(self):
        with self.lock:
            self.pool.add(self.held)

    def __exit__(self, *_):
        with self.lock:
            self.pool.discard(self.held)


def _shut(held):
    try:
        # Not SSLSocket's own: that one pulls the session from under a reader.
        socket.socket.shutdown(held, socket.SHUT_RDWR)
    except OSError:
        pass


def server_context(certificate, key):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    context.load_cert_chain(certificate, key)
    return context
