"""What is measured, and which figures are wanted of it."""

import dataclasses
import typing

import peers

FSYNC_US = 2000


@dataclasses.dataclass(frozen=True)
class Variant:
    name: str
    title: str
    place: typing.Callable = None   # of peers; None: psql's COPY
    stores: bool = True
    run: str = "full"               # full, half, copy or flight
    warm: int = 1                   # seconds before the figures count
    connections: int = None         # if not the case's
    fast_disk: bool = False         # without the case's delay


@dataclasses.dataclass(frozen=True)
class Case:
    name: str
    title: str
    items: int
    connections: int
    variants: tuple
    delay_us: int = 0
    by: str = "items/s"             # what the ratios are made of


@dataclasses.dataclass(frozen=True)
class Want:
    """A figure of a variant, or of its ratio to another's in a round."""

    case: str
    text: str
    figure: str
    bound: float
    other: str = None
    most: bool = False              # at most the bound, not at least
    variant: str = "callhook"


US = Variant("callhook", "callhook", peers.callhook)
NODE = Variant("node", "Node.js, node-pg, 32 connections", peers.node)
NODE10 = Variant("node10", "Node.js, node-pg, its default of 10",
                 peers.node_default)
PHP = Variant("php", "PHP-FPM, PDO, 32 workers", peers.php)
PHP5 = Variant("php5", "PHP-FPM, PDO, Debian's default of 5",
               peers.php_default)
GO = Variant("go", "Go, pgx, pool of 32", peers.go_pool)
GROUP = Variant("gogroup", "Go, pgx, COPY of all that wait, 2 connections",
                peers.go_group)
KEPT = Variant("kept", "callhook, nginx/callhook.conf, kept connections",
               peers.callhook_keepalive)
FAST = Variant("fast", "callhook, the disk as it is", peers.callhook,
               fast_disk=True)
NOOP = Variant("noop", "no-op, 16 threads", peers.noop_threads, stores=False)
BEST = Variant("best", "no-op, best", peers.noop_best, stores=False)
ALONE = Variant("alone", "nginx alone, which answers itself",
                peers.nginx_alone, stores=False)
COPY = Variant("copy", "psql's text COPY", run="copy")

CASES = [
    Case("one64", "1 item x 64 connections, plain fastcgi_pass",
         1, 64, (US, KEPT, NOOP, BEST, ALONE, GROUP, GO, NODE, NODE10, PHP,
                PHP5)),
    Case("one64fsync", "1 item x 64 connections, fsync 2 ms",
         1, 64, (US, FAST, GROUP, GO, NODE, NODE10, PHP, PHP5), FSYNC_US),
    Case("twenty32", "20 items x 32 connections",
         20, 32, (US, COPY, GROUP, GO, NODE, PHP)),
    Case("twenty32fsync", "20 items x 32 connections, fsync 2 ms",
         20, 32, (US, GROUP, GO, NODE, PHP), FSYNC_US),
    Case("handshake", "handshake x 64 connections",
         0, 64, (US, KEPT, NOOP, BEST, GO, NODE, PHP), by="requests/s"),
    Case("lone", "one lone client, 1 item",
         1, 1, (US, GROUP, GO, NODE, PHP), by="p50"),
    Case("nginx", "1 item x 64 connections, the supplied nginx file",
         1, 64, (US,
                 Variant("supplied", "callhook, nginx/callhook.conf",
                         peers.callhook_supplied), KEPT, NOOP)),
    Case("apache", "1 item x 64 connections, Apache",
         1, 64, (US,
                 Variant("proxy", "callhook, mod_proxy_fcgi",
                         peers.apache_proxy),
                 Variant("fcgid", "callhook, mod_fcgid",
                         peers.apache_fcgid, warm=3),
                 Variant("cgi", "callhook, plain CGI, 8 connections",
                         peers.apache_cgi, connections=8))),
    Case("half", "half of the highest rate, 1 item, 64 connections",
         1, 64, (dataclasses.replace(US, run="half"),)),
    Case("memory", "64 requests in flight, the table locked",
         1, 64, (dataclasses.replace(US, run="flight"),)),
]

WANTS = [
    Want("one64", "1 x 64 / 16-thread no-op", "items/s", 0.95, "noop"),
    Want("one64", "1 x 64 / best no-op", "items/s", 0.40, "best"),
    Want("one64", "1 x 64 / Go, group COPY", "items/s", 1.5, "gogroup"),
    Want("one64", "1 x 64 / Go, pool", "items/s", 2.5, "go"),
    Want("one64", "1 x 64 / PHP-FPM", "items/s", 5, "php"),
    Want("one64", "1 x 64 / Node.js", "items/s", 1.7, "node"),
    Want("one64", "1 x 64 kept / Go, group COPY", "items/s", 2.5, "gogroup",
         variant="kept"),
    Want("one64fsync", "fsync 2 ms / the disk as it is", "items/s", 0.90,
         "fast"),
    Want("one64fsync", "fsync 2 ms / Go, group COPY", "items/s", 1.6,
         "gogroup"),
    Want("one64fsync", "fsync 2 ms / PHP-FPM of 5", "items/s", 7, "php5"),
    Want("one64fsync", "fsync 2 ms / Node.js of 10", "items/s", 3.5,
         "node10"),
    Want("twenty32", "20 x 32 / psql's text COPY", "items/s", 0.90, "copy"),
    Want("twenty32", "20 x 32 / Go, group COPY", "items/s", 2.5, "gogroup"),
    Want("twenty32", "20 x 32 / PHP-FPM", "items/s", 3, "php"),
    Want("handshake", "handshake, kept / Node.js", "requests/s", 1.2, "node",
         variant="kept"),
    Want("handshake", "handshake, kept / Go", "requests/s", 1.0, "go",
         variant="kept"),
    Want("half", "half rate, p99.9 in ms", "p99.9", 20, most=True),
    Want("half", "half rate, longest in ms", "max", 1000, most=True),
    Want("lone", "lone client, p50 / Node.js", "p50", 0.8, "node",
         most=True),
    Want("memory", "PSS in MiB, 64 in flight", "PSS", 6, most=True),
    Want("memory", "database connections", "sessions", 2, most=True),
]
