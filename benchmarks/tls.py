"""A TLS proxy for the emulated S3, with a generated certificate and a CA bundle of the usual size."""

from __future__ import annotations

import ipaddress
import ssl
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from benchmarks.s3 import Delay

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "127.0.0.1"
PEM = serialization.Encoding.PEM


@contextmanager
def behind_tls(url: str, latency_s: float) -> Iterator[dict[str, str]]:
    """Yield the variables for access to a local server over TLS. Raises ValueError if the URL has no port."""
    port = urlsplit(url).port
    if port is None:
        raise ValueError(f"{url} has no port")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.TemporaryDirectory() as folder:
        certificate, key, authorities = certificates(Path(folder))
        context.load_cert_chain(certificate, key)
        proxy = Delay(port, latency_s, context)
        try:
            yield {"AWS_ENDPOINT_URL": f"https://{ADDRESS}:{proxy.port}", "SSL_CERT_FILE": str(authorities)}
        finally:
            proxy.stop()


def certificates(folder: Path) -> tuple[Path, Path, Path]:
    """Create a certificate for 127.0.0.1, its key, and a CA bundle: this machine's authorities and a new one.

    Reading some 150 authorities is a part of the cost of TLS in a cold start.
    """
    authority, server = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "benchmark authority")])
    signing = _signed(named, named, authority, authority, x509.BasicConstraints(ca=True, path_length=0))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ADDRESS)])
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))])
    serving = _signed(name, named, server, authority, address)
    usual = ssl.get_default_verify_paths().cafile
    form, secret = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    files = {
        "server.pem": serving.public_bytes(PEM),
        "server.key": server.private_bytes(PEM, form, secret),
        "authorities.pem": (Path(usual).read_bytes() if usual else b"") + signing.public_bytes(PEM),
    }
    for file, data in files.items():
        (folder / file).write_bytes(data)
    certificate, key, authorities = (folder / file for file in files)
    return certificate, key, authorities


def _signed(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    by: ec.EllipticCurvePrivateKey,
    extension: x509.ExtensionType,
) -> x509.Certificate:
    """Create a certificate for one day, valid since an hour ago."""
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(subject_name=subject, issuer_name=issuer, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    return builder.add_extension(extension, critical=False).sign(by, hashes.SHA256())
