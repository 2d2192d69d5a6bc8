"""A key as GitHub makes one for an App, and the check GitHub makes of what is signed with it."""

import base64
import json
from collections.abc import Callable
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa


def key_and_checker() -> tuple[str, Callable[[str], dict[str, Any]]]:
    """The .pem file, and what gives the claims of a token. Its check raises where the signature is not the key's."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )

    def claims(token: str) -> dict[str, Any]:
        header, said, signature = token.split(".")
        assert json.loads(_plain(header)) == {"alg": "RS256", "typ": "JWT"}
        key.public_key().verify(_plain(signature), f"{header}.{said}".encode(), padding.PKCS1v15(), hashes.SHA256())
        found: dict[str, Any] = json.loads(_plain(said))
        return found

    return pem.decode(), claims


def _plain(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
