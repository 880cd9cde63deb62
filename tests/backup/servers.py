"""Append-only rest-servers with TLS on loopback, and the certificates for them."""

import base64
import contextlib
import hashlib
import ipaddress
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from backup.process import end, ending_with_us
from tests.backup.tools import Tools

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Authority:
    """A certificate authority of the test's own."""

    directory: Path
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    @property
    def certificate(self) -> Path:
        path = self.directory / "ca.crt"
        if not path.exists():
            path.write_bytes(self._sign(self.key.public_key(), "test authority", DAY, authority=True))
        return path

    def issue(self, name: str, ends_in: timedelta = DAY) -> tuple[Path, Path]:
        """Write a certificate for 127.0.0.1, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate, key_path = self.directory / f"{name}.crt", self.directory / f"{name}.key"
        certificate.write_bytes(self._sign(key.public_key(), name, ends_in, authority=False))
        key_path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
        return certificate, key_path

    def _sign(self, public: ec.EllipticCurvePublicKey, name: str, ends_in: timedelta, *, authority: bool) -> bytes:
        now = datetime.now(UTC)
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test authority")])
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - 2 * DAY)
            .not_valid_after(now + ends_in)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
            )
            # Python 3.13 verifies strictly (RFC 5280): key identifiers, and what the authority's key is for.
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()), critical=False)
            .add_extension(_usage(authority=authority), critical=True)
        )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


@dataclass
class RestServer:
    """One rest-server for the user ``his1``; it can be stopped, started again, and given another certificate."""

    name: str
    directory: Path
    program: Path
    authority: Authority
    http_password: str
    port: int
    process: subprocess.Popen[bytes] | None = None
    certificate: tuple[Path, Path] | None = None
    append_only: bool = True

    @property
    def url(self) -> str:
        return f"rest:https://127.0.0.1:{self.port}/his1/"

    @property
    def data(self) -> Path:
        return self.directory / "data"

    def start(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        digest = base64.b64encode(hashlib.sha1(self.http_password.encode()).digest()).decode()  # noqa: S324
        (self.directory / ".htpasswd").write_text(f"his1:{{SHA}}{digest}\n")
        self.certificate = self.certificate or self.authority.issue(self.name)
        command = [str(self.program), "--listen", f"127.0.0.1:{self.port}", "--path", str(self.data)]
        command += [
            *(["--append-only"] if self.append_only else []),
            "--private-repos",
            "--htpasswd-file",
            str(self.directory / ".htpasswd"),
        ]
        command += ["--tls", "--tls-cert", str(self.certificate[0]), "--tls-key", str(self.certificate[1])]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                ending_with_us(command), stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
            )
        await_port(self.port)

    def stop(self) -> None:
        if self.process:
            end(self.process)
            self.process = None


@contextlib.contextmanager
def reserved_port() -> Iterator[int]:
    """Keep a free port from everybody but a server that is told of it, also while that is stopped.

    A socket that is bound, but does not listen, lets in whoever asks for exactly this port with SO_REUSEADDR, as
    servers do; the kernel gives it to nobody who asks for any port, and refuses whoever connects.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


def await_port(port: int) -> None:
    """Return when something accepts connections there; raises TimeoutError after a minute."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=30):
            return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")


@contextlib.contextmanager
def rest_server(name: str, directory: Path, tools: Tools, authority: Authority) -> Iterator[RestServer]:
    directory.mkdir(parents=True, exist_ok=True)
    with reserved_port() as port:
        server = RestServer(name, directory, tools.rest_server, authority, f"http-password-of-{name}", port)
        try:
            server.start()
            yield server
        finally:
            server.stop()
