"""Sending a webhook over real sockets: where it connects to, whom it believes, how long it waits."""

import datetime
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from aimass.adapters import webhook_post
from aimass.adapters.webhook_post import WebhookPost
from aimass.domain.webhooks import NotDelivered, Target

pytestmark = pytest.mark.e2e

NAME, PUBLIC = "hooks.example", "8.8.8.8"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """Self-signed for NAME: (certificate, key) files."""
    folder = tmp_path_factory.mktemp("certificate")
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, NAME)])
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    )
    return files


@pytest.fixture
def server(certificate):
    """An HTTPS server on loopback that keeps what it is asked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.server.asked.append((self.path, self.headers["host"], self.headers["webhook-id"], body))
            self.send_response(307)
            self.send_header("location", "https://elsewhere.example/")
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    server.asked = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def post_to(server, resolve=(PUBLIC,), seconds=10.0):
    """A sender in whose world the public address is the server."""
    connected = []

    def connect(address, port, seconds):
        connected.append((address, port))
        return socket.create_connection(("127.0.0.1", server.server_port), timeout=seconds)

    return WebhookPost(seconds, lambda host, port: list(resolve), connect), connected


def test_it_connects_to_the_address_that_was_judged_and_follows_no_redirect(server, certificate, monkeypatch):
    monkeypatch.setattr(webhook_post, "get_cert_path", lambda verify: str(certificate[0]))
    sender, connected = post_to(server)
    assert sender.post(Target(NAME, 8443, "/hook?a=b"), {"webhook-id": "msg_1"}, b"{}") == 307
    assert connected == [(PUBLIC, 8443)]
    assert server.asked == [("/hook?a=b", f"{NAME}:8443", "msg_1", b"{}")]


def test_a_certificate_that_nobody_known_signed_is_not_believed(server):
    sender, _ = post_to(server)
    with pytest.raises(NotDelivered, match="certificate is not valid"):
        sender.post(Target(NAME, 443, "/"), {}, b"{}")
    assert server.asked == []


def test_a_certificate_of_another_name_is_not_believed(server, certificate, monkeypatch):
    monkeypatch.setattr(webhook_post, "get_cert_path", lambda verify: str(certificate[0]))
    sender, _ = post_to(server)
    with pytest.raises(NotDelivered, match="certificate is not valid"):
        sender.post(Target("other.example", 443, "/"), {}, b"{}")
    assert server.asked == []


@pytest.mark.parametrize("resolved", [["10.0.0.1"], [PUBLIC, "127.0.0.1"], ["::1"], []])
def test_a_name_with_any_address_inside_is_not_called(server, resolved):
    sender, connected = post_to(server, resolved)
    with pytest.raises(NotDelivered, match="no public address"):
        sender.post(Target(NAME, 443, "/"), {}, b"{}")
    assert connected == []


@pytest.mark.parametrize("secure", [False, True], ids=["plain", "TLS"])
@pytest.mark.parametrize("begins", [b"", b"HTTP/1.1 200 OK\r\nX-Long: "], ids=["status", "headers"])
def test_an_answer_that_drips_is_cut_off(certificate, monkeypatch, secure, begins):
    """Each byte comes soon enough for a socket's own timeout, the whole never; the other side notices the cut."""
    monkeypatch.setattr(webhook_post, "get_cert_path", lambda verify: str(certificate[0]))
    cut_off, listening = threading.Event(), socket.create_server(("127.0.0.1", 0))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)

    def drip():
        connection, _ = listening.accept()
        with context.wrap_socket(connection, server_side=True) if secure else connection as to:
            to.sendall(begins)
            try:
                for _ in range(100):  # 5 s: without a cut it comes to its end
                    to.sendall(b"H")
                    time.sleep(0.05)
            except OSError:
                cut_off.set()

    def connect(address, port, seconds):
        return socket.create_connection(listening.getsockname(), timeout=seconds)

    dripping = threading.Thread(target=drip, daemon=True)
    dripping.start()
    sender = WebhookPost(0.5, lambda host, port: [PUBLIC], connect)
    with pytest.raises(NotDelivered, match=r"no answer within 0\.5 s"):
        sender.post(Target(NAME, 443, "/", secure=secure), {}, b"{}")
    dripping.join()
    listening.close()
    assert cut_off.is_set()


@pytest.mark.parametrize(("port", "said"), [(443, NAME), (8443, f"{NAME}:8443")])
def test_the_host_is_named_without_the_port_that_goes_without_saying(server, certificate, monkeypatch, port, said):
    monkeypatch.setattr(webhook_post, "get_cert_path", lambda verify: str(certificate[0]))
    post_to(server)[0].post(Target(NAME, port, "/"), {"webhook-id": "msg_1"}, b"{}")
    assert server.asked[0][1] == said


def test_nobody_there_is_no_answer():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(NotDelivered, match="ConnectionRefusedError"):
        WebhookPost(2).post(Target("127.0.0.1", port, "/", secure=False), {}, b"{}")
