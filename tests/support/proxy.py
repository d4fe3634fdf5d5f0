"""What stands between the receiver and PostgreSQL, and misbehaves."""

import contextlib
import fcntl
import selectors
import socket
import struct
import termios
import threading

from support.service import wait_until

READY_FOR_QUERY = b"Z\x00\x00\x00\x05I"
COPY_DATA, COPY_DONE, PARSE, BIND, SYNC = b"d", b"c", b"P", b"B", b"S"
INSERT = b"\x00INSERT INTO callhook_store.notifications "  # with no name
EMPTY_COPY_BYTES = 21                   # the head and the end of no rows


def starting_up():
    """PostgreSQL's answer while it recovers."""
    fields = (b"SFATAL\x00VFATAL\x00C57P03\x00"
              b"Mthe database system is starting up\x00\x00")
    return b"E" + struct.pack("!I", len(fields) + 4) + fields


def unreplicated():
    """PostgreSQL's warning of a commit that no standby has."""
    fields = b"SWARNING\x00VWARNING\x00C01000\x00Fsyncrep.c\x00\x00"
    return b"N" + struct.pack("!I", len(fields) + 4) + fields


def unread(client):
    """How much its peer has not read, where that is on this machine."""
    size = fcntl.ioctl(client, termios.TIOCOUTQ, bytes(4))
    return struct.unpack("=i", size)[0]


class Batches:
    """Finds the end of each batch of rows in what the receiver sends."""

    def __init__(self):
        self.pending = b""
        self.started = False
        self.copied = 0
        self.inserts = False
        self.insert_is_parsed = False

    def feed(self, data):
        """True if a batch with rows ends in these bytes."""
        self.pending += data
        ended = False
        while True:
            head = 5 if self.started else 4
            if len(self.pending) < head:
                return ended
            size = struct.unpack("!I", self.pending[head - 4:head])[0]
            whole = size + head - 4
            if len(self.pending) < whole:
                return ended
            if self.started:
                ended |= self._message(self.pending[:1],
                                       self.pending[5:whole])
            self.started = True
            self.pending = self.pending[whole:]

    def _message(self, kind, content):
        if kind == COPY_DATA:
            self.copied += len(content)
        elif kind == COPY_DONE:
            ended = self.copied > EMPTY_COPY_BYTES
            self.copied = 0
            return ended
        elif kind == PARSE:
            self.insert_is_parsed = content.startswith(INSERT)
        elif kind == BIND:
            self.inserts |= self.insert_is_parsed
        elif kind == SYNC:
            ended, self.inserts = self.inserts, False
            return ended
        return False


class Proxy:
    """Passes connections on to a cluster, or does what its `mode` says.

    mode: "pass"; "silent": accept and never answer; "starting": answer as a
    server that starts up; "cut": close at once.
    at_batch: what happens to each batch with rows, one of
      "answer"   pass it on as usual,
      "before"   close both sides before the end of the batch is passed on,
      "swallow"  pass it on, wait until it is committed, then close,
      "hang"     the same, but stay silent and open,
      "warn"     pass on the answer; then, in one with the end of it, what the
                 server says where somebody has ended its wait for a standby."""

    def __init__(self, cluster, path=None, backlog=16):
        self.target = str(cluster.home / ".s.PGSQL.5432")
        self.mode = "pass"
        self.at_batch = lambda number: "answer"
        self.batches = 0
        self.done = {}                  # what was done to batches
        self.closing = False
        self.fillers = []
        if path:
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(str(path))
        else:
            self.listener = socket.socket()
            self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(backlog)
        self.thread = threading.Thread(target=self._accept, daemon=True)
        self.lock = threading.Lock()
        self.threads = []

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.closing = True
        self.listener.close()
        for filler in self.fillers:
            filler.close()
        if self.thread.ident:
            self.thread.join(20)
        for thread in self.threads:
            thread.join(20)

    def environment(self):
        """libpq's variables for the way through here."""
        name = self.listener.getsockname()
        common = {"PGSSLMODE": "disable", "PGGSSENCMODE": "disable"}
        if isinstance(name, tuple):
            return {**common, "PGHOST": name[0], "PGPORT": name[1]}
        folder, _, file = name.rpartition("/")
        return {**common, "PGHOST": folder, "PGPORT": file.split(".")[-1]}

    def fill_backlog(self):
        """Connect until a connection hangs: the next ones hang, too."""
        def hangs():
            peer = socket.socket()
            peer.settimeout(0.3)
            self.fillers.append(peer)
            try:
                peer.connect(self.listener.getsockname())
            except TimeoutError:
                return True
            return False

        wait_until(hangs, "a connect that hangs")

    def _accept(self):
        self.listener.settimeout(0.05)
        while not self.closing:
            try:
                client, _ = self.listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,),
                                      daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, client):
        with client, contextlib.suppress(OSError):
            client.settimeout(None)
            if self.mode == "starting":
                client.recv(4096)
                client.sendall(starting_up())
            elif self.mode == "silent":
                self._stay_silent(client)
            elif self.mode == "pass":
                with socket.socket(socket.AF_UNIX) as server:
                    server.connect(self.target)
                    self._relay(client, server)

    def _stay_silent(self, client):
        """Read and say nothing, until the peer goes."""
        client.settimeout(0.05)
        while not self.closing:
            try:
                if not client.recv(65536):
                    return
            except TimeoutError:
                pass

    def _relay(self, client, server):
        batches = Batches()
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while not self.closing:
                for key, _ in selector.select(0.05):
                    data = key.fileobj.recv(65536)
                    if not data:
                        return
                    if key.fileobj is client and batches.feed(data):
                        if not self._at_batch(client, server, data):
                            return
                    else:
                        key.data.sendall(data)

    def _at_batch(self, client, server, data):
        """The end of a batch is in `data`; False: this connection ends."""
        with self.lock:
            self.batches += 1
            what = self.at_batch(self.batches)
            self.done[what] = self.done.get(what, 0) + 1
        if what == "before":
            return False
        server.sendall(data)
        if what == "answer":
            return True
        answer = b""
        while READY_FOR_QUERY not in answer:
            more = server.recv(65536)
            if not more:
                break
            answer += more
        if what == "hang":
            self._stay_silent(client)
        if what != "warn":
            return False
        client.sendall(answer.removesuffix(READY_FOR_QUERY))
        wait_until(lambda: unread(client) == 0, "the client has the answer")
        client.sendall(unreplicated() + READY_FOR_QUERY)
        return True
