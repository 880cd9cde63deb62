"""The sealing key: ECDSA P-256, made on the appliance, checked by any OpenSSL."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from console.audit.files import AuditFiles, write_durably

ALGORITHM = ec.ECDSA(hashes.SHA256())


@dataclass(frozen=True)
class SealingKey:
    """A loaded private key."""

    private: ec.EllipticCurvePrivateKey

    def sign(self, content: bytes) -> bytes:
        """Return the DER signature that ``openssl dgst -sha256 -verify`` reads."""
        return self.private.sign(content, ALGORITHM)

    def fingerprint(self) -> str:
        """Return the SHA-256 of the public key's DER form, the number printed on paper."""
        return fingerprint(self.private.public_key())


def load_or_create_key(files: AuditFiles) -> SealingKey:
    """Return the sealing key, made on first use; the caller holds the lock."""
    if not files.private_key.exists():
        fresh = ec.generate_private_key(ec.SECP256R1())
        public = fresh.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        write_durably(files.public_key, public, mode=0o644)
        write_durably(files.private_key, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    private = load_pem_private_key(files.private_key.read_bytes(), password=None)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise TypeError(f"{files.private_key} is not an elliptic-curve key")
    return SealingKey(private)


def load_public_key(files: AuditFiles) -> ec.EllipticCurvePublicKey:
    """Return the public key.  Raises ``OSError`` or ``ValueError`` when there is no usable one."""
    public = load_pem_public_key(files.public_key.read_bytes())
    if not isinstance(public, ec.EllipticCurvePublicKey):
        raise ValueError(f"{files.public_key} is not an elliptic-curve key")  # noqa: TRY004 — a wrong file, not a wrong call
    return public


def fingerprint(public: ec.EllipticCurvePublicKey) -> str:
    """Return the SHA-256 of the DER form."""
    return hashlib.sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).hexdigest()


def signature_is_good(public: ec.EllipticCurvePublicKey, signature: bytes, content: bytes) -> bool:
    """Return whether ``signature`` is the key's over ``content``."""
    try:
        public.verify(signature, content, ALGORITHM)
    except InvalidSignature:
        return False
    return True
