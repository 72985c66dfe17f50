"""An authority of one's own, as companies have them: it vouches for servers in their network."""

import ssl
import subprocess
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID


class Authority:
    """An authority whose certificate nobody has but who is given it.

    Args:
        workspace: Where to put files.
    """

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("An authority of our own")
        is_authority = x509.BasicConstraints(ca=True, path_length=0)
        self._certificate = (
            _certificate(self._name, self._name, self._key)
            .add_extension(is_authority, critical=True)
            .sign(self._key, hashes.SHA256())
        )

    @cached_property
    def file(self) -> Path:
        """The file with its certificate."""
        path = self._workspace / "authority.pem"
        path.write_bytes(self._certificate.public_bytes(Encoding.PEM))
        return path

    @cached_property
    def folder(self) -> Path:
        """A folder with its certificate, under the name by which OpenSSL looks for it."""
        command = ["openssl", "x509", "-noout", "-subject_hash", "-in", str(self.file)]
        hashed = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        folder = self._workspace / "authorities"
        folder.mkdir()
        (folder / f"{hashed}.0").write_bytes(self.file.read_bytes())
        return folder

    def vouched_for(self, host: str) -> ssl.SSLContext:
        """Return what lets a server prove that it is this host."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(host)])
        certificate = (
            _certificate(_name(host), self._name, key)
            .add_extension(names, critical=False)
            .sign(self._key, hashes.SHA256())
        )
        path = self._workspace / "server.pem"
        path.write_bytes(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
            + certificate.public_bytes(Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        return context


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    """Return a certificate for a day, to be signed."""
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
    )
