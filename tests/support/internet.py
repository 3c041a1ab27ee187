"""The hosts that a run asks, on the loopback: a proxy leads each https address to a server of the tests.

Programs take the proxy and its certificate from the environment, so that they ask the addresses that they would ask
anyway. A host that is not there is refused, and its name is kept.

    with internet({"huggingface.co": hub_server, "api.openai.com": chat_server}) as net:
        ...  # run a command with net.environment
"""

import datetime
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from socketserver import BaseServer, StreamRequestHandler, TCPServer, ThreadingTCPServer
from tempfile import TemporaryDirectory
from threading import Thread

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BLOCK = 65536


class Internet(ThreadingTCPServer):
    """A proxy for https; `environment` is what programs need to use it."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, ports: Mapping[str, int], certificate: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Tunnel)
        self.ports, self.refused, self.asked = ports, set[str](), set[str]()
        here = "127.0.0.1,localhost"
        proxy = f"http://127.0.0.1:{self.server_address[1]}"
        trust = dict.fromkeys(("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"), str(certificate))
        both = {"HTTPS_PROXY": proxy, "HTTP_PROXY": proxy, "NO_PROXY": here}
        self.environment = {**both, **{name.lower(): value for name, value in both.items()}, **trust}

    def handle_error(self, *_: object) -> None:
        """Say nothing of a client that went away."""


class _Tunnel(StreamRequestHandler):
    server: Internet

    def handle(self) -> None:
        words = self.rfile.readline().decode("latin-1").split()
        while self.rfile.readline().strip():
            pass
        host = words[1].rpartition(":")[0] if words[:1] == ["CONNECT"] else (words or ["nothing"])[-1]
        if (port := self.server.ports.get(host)) is None:
            self.server.refused.add(host)
            self.wfile.write(b"HTTP/1.1 502 no such host\r\nContent-Length: 0\r\n\r\n")
            return
        self.server.asked.add(host)
        with socket.create_connection(("127.0.0.1", port)) as there:
            self.wfile.write(b"HTTP/1.1 200 connected\r\n\r\n")
            back = Thread(target=_copy, args=(there, self.connection), daemon=True)
            back.start()
            _copy(self.connection, there)
            back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Send all that comes from one end to the other, then say that there is no more."""
    try:
        while block := source.recv(BLOCK):
            target.sendall(block)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


@contextmanager
def internet(hosts: Mapping[str, TCPServer]) -> Iterator[Internet]:
    """A running proxy; each server must run in a thread of its own, and speaks TLS from now on."""
    with TemporaryDirectory() as folder:
        certificate = _certificate(Path(folder), sorted(hosts))
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        for server in {id(one): one for one in hosts.values()}.values():
            server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        net = Internet({host: _port(server) for host, server in hosts.items()}, certificate)
        Thread(target=net.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield net
        finally:
            net.shutdown()
            net.server_close()


def _port(server: BaseServer) -> int:
    return int(server.server_address[1])


def _certificate(folder: Path, hosts: Sequence[str]) -> Path:
    """Write a certificate of `hosts` that signs itself, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tests")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    kinds = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    path = folder / "certificate.pem"
    path.write_bytes(key.private_bytes(*kinds, plain) + built.public_bytes(serialization.Encoding.PEM))
    path.chmod(0o600)
    return path
