"""Encryption on the way: what a DSN asks of libpq is held, and nothing is said before it is.

The embedded server speaks no TLS. So it stands behind a door that does, as behind a pooler; the end
that matters here is the client's.
"""

import select
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from psycopg2.extensions import make_dsn, parse_dsn

from recsys_tasks.errors import DatabaseUnavailable
from recsys_tasks.warehouse import Warehouse
from recsys_tasks.warehouse.queries import migrations

HOST, ADDRESS = "localhost", "127.0.0.1"
PASSWORD = "planted"  # noqa: S105  to be listened for
SSL_REQUEST = struct.pack("!ii", 8, 80877103)  # what libpq says first, in plain
SECONDS = 60  # for somebody to come


def certificate_of(name: str, folder: Path, *, days: int = 1) -> Path:
    """A certificate of a host that signs itself: its own root. The key is in the same file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509
        .CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=9))
        .not_valid_after(now + timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    file = folder / f"{name} {days}.pem"
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


@contextmanager
def door(dsn: str, certificate: Path | None) -> Iterator[tuple[str, list[bytes]]]:
    """The DSN of a door that ends TLS before a server, or offers none; and what it heard."""
    heard = list[bytes]()
    with socket.create_server((ADDRESS, 0)) as listener:
        listener.settimeout(SECONDS)
        keeper = Thread(target=_keep, args=(listener, dsn, certificate, heard))
        keeper.start()
        port = listener.getsockname()[1]
        yield make_dsn(dsn, host=HOST, hostaddr=ADDRESS, port=port, password=PASSWORD), heard
        keeper.join()


def _keep(listener: socket.socket, dsn: str, certificate: Path | None, heard: list[bytes]) -> None:
    """Let one in, whatever becomes of them."""
    client, _ = listener.accept()
    with client, suppress(OSError):
        heard.append(client.recv(len(SSL_REQUEST)))
        client.sendall(b"S" if certificate else b"N")
        if certificate is None:
            heard.append(client.recv(4096))
            return
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        with context.wrap_socket(client, server_side=True) as inside, _server(dsn) as server:
            _relay(inside, server, heard)


def _server(dsn: str) -> socket.socket:
    parts = parse_dsn(dsn)
    host, port = parts["host"], int(parts.get("port", 5432))
    if not host.startswith("/"):
        return socket.create_connection((host, port))
    server = socket.socket(socket.AF_UNIX)
    server.connect(f"{host}/.s.PGSQL.{port}")
    return server


def _relay(client: ssl.SSLSocket, server: socket.socket, heard: list[bytes]) -> None:
    """Both ways, until one of them has gone."""
    others: dict[socket.socket, socket.socket] = {client: server, server: client}
    while True:
        ready = [client] if client.pending() else select.select([*others], [], [])[0]
        for one in ready:
            said = one.recv(65536)
            if not said:
                return
            if one is client:
                heard.append(b"behind the door")
            others[one].sendall(said)


def test_a_server_that_shows_who_it_is_is_spoken_to_encrypted(dsn: str, tmp_path: Path) -> None:
    certificate = certificate_of(HOST, tmp_path)
    with door(dsn, certificate) as (there, heard):
        asked = make_dsn(there, sslmode="verify-full", sslrootcert=str(certificate))
        warehouse = Warehouse(asked, "recsys")
        with warehouse.transaction() as session:
            assert session.connection.info.ssl_in_use
            assert session.value("schema_version") == max(migrations())
        warehouse.close()
    assert {*heard} == {SSL_REQUEST, b"behind the door"}
    assert heard.count(SSL_REQUEST) == 1


@pytest.mark.parametrize(
    ("name", "days", "said"),
    [
        ("another root", 1, "certificate verify failed"),
        (HOST, -1, "certificate verify failed"),  # it was valid until yesterday
        ("elsewhere.example", 1, "does not match host name"),
        (None, 1, "server does not support SSL"),
    ],
)
def test_who_cannot_show_it_is_refused_and_told_nothing(
    dsn: str, tmp_path: Path, name: str | None, days: int, said: str
) -> None:
    """Somebody in between, with a certificate of their own or with none, hears no password."""
    theirs, root = None, certificate_of(HOST, tmp_path, days=2)
    if name is not None:
        theirs = certificate_of(HOST if name == "another root" else name, tmp_path, days=days)
        root = root if name == "another root" else theirs
    with door(dsn, theirs) as (there, heard):
        asked = make_dsn(there, sslmode="verify-full", sslrootcert=str(root))
        with pytest.raises(DatabaseUnavailable, match=said) as end:
            Warehouse(asked, "recsys").migrate()
    assert "\n" not in str(end.value)
    assert PASSWORD not in str(end.value)
    assert b"".join(heard) == SSL_REQUEST
