"""Certificates: an authority made for each run, and what it signs."""

import datetime
import http.client
import ipaddress
import itertools
import pathlib
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from support.nginx import Nginx
from support.site import Site

LOCAL = ("127.0.0.1", "localhost")
_numbers = itertools.count(1)


def _name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _alternative(text):
    try:
        return x509.IPAddress(ipaddress.ip_address(text))
    except ValueError:
        return x509.DNSName(text)


def _start(subject, issuer, key, days):
    """A builder with all but the extensions; days: from, and to, now."""
    now = datetime.datetime.now(datetime.timezone.utc)
    return (x509.CertificateBuilder()
            .subject_name(_name(subject)).issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + datetime.timedelta(days[0]))
            .not_valid_after(now + datetime.timedelta(days[1]))
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(
                key.public_key()), False))


def _write(folder, stem, certificate, key):
    """Two PEM files, the key's for its owner only; their paths."""
    stem = f"{stem}-{next(_numbers)}"
    certificate_file = pathlib.Path(folder) / f"{stem}.pem"
    key_file = pathlib.Path(folder) / f"{stem}.key"
    certificate_file.write_bytes(
        certificate.public_bytes(serialization.Encoding.PEM))
    key_file.touch(0o600)
    key_file.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
    return certificate_file, key_file


class Authority:
    """A certificate authority; `ca_file` is what its friends trust."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = _name("callhook test authority")
        self.certificate = (
            _start("callhook test authority", self.name, self.key, (-1, 30))
            .add_extension(x509.BasicConstraints(True, None), True)
            .add_extension(x509.KeyUsage(False, False, False, False, False,
                                         True, True, False, False), True)
            .sign(self.key, hashes.SHA256()))
        self.ca_file, _ = _write(folder, "ca", self.certificate, self.key)

    def issue(self, names=LOCAL, days=(-1, 30)):
        """A server's certificate and its key, as files."""
        key = ec.generate_private_key(ec.SECP256R1())
        issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(
            self.key.public_key())
        builder = self._server(_start(names[0], self.name, key, days), names)
        certificate = builder.add_extension(issuer, False).sign(
            self.key, hashes.SHA256())
        return _write(self.folder, "server", certificate, key)

    def self_signed(self, names=LOCAL):
        key = ec.generate_private_key(ec.SECP256R1())
        builder = self._server(
            _start(names[0], _name(names[0]), key, (-1, 30)), names)
        return _write(self.folder, "server",
                      builder.sign(key, hashes.SHA256()), key)

    @staticmethod
    def _server(builder, names):
        return (builder
                .add_extension(x509.SubjectAlternativeName(
                    [_alternative(name) for name in names]), False)
                .add_extension(x509.ExtendedKeyUsage(
                    [ExtendedKeyUsageOID.SERVER_AUTH]), False)
                .add_extension(x509.BasicConstraints(False, None), True))

    def client_context(self):
        """For a client that believes this authority only."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(self.ca_file)
        return context


def client_certificate(folder, name="callhook"):
    """A certificate as an application registers it, and its key, as files."""
    key = rsa.generate_private_key(65537, 2048)
    certificate = _start(name, _name(name), key, (-1, 30)).sign(
        key, hashes.SHA256())
    return _write(folder, "client", certificate, key)


class SecureNginx(Nginx):
    """The tests' nginx, with a certificate of an authority of ours."""

    def __init__(self, folder, socket_path, authority, port=None):
        super().__init__(folder, socket_path, port)
        self.authority = authority
        self.certificate, self.key = authority.issue()

    def _configuration(self, listen):
        plain = super()._configuration(f"{listen} ssl")
        return plain.replace(
            "        include ",
            f"        ssl_certificate {self.certificate};\n"
            f"        ssl_certificate_key {self.key};\n        include ")

    def connection(self, seconds=30):
        return http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=seconds,
            context=self.authority.client_context())


class SecureSite(Site):
    """A site that is reached over TLS only."""

    def __init__(self, folder, database, authority, *settings, port=None):
        super().__init__(folder, database, *settings)
        self.nginx = SecureNginx(folder, self.receiver.path, authority, port)

    @property
    def url(self):
        return f"https://127.0.0.1:{self.nginx.port}/callhook"
