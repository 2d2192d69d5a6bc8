"""Secrets of sources at rest: AES-GCM under a key of the installation, bound to their row, and sealed anew when keys
change.

A sealed secret is a version, which key (the first bytes of its hash), a nonce, and what AES-GCM makes of the secret
and the name of its row, so that it opens in no other.
"""

import base64
import os
from collections.abc import Mapping
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

from connectors.corpus.wall import as_owner
from connectors.models import Source, SourceSecret
from connectors.sources.base import ConnectorError

VERSION = b"\x01"
KEY_MARK, NONCE = 4, 12  # bytes


class Unsealable(ConnectorError):
    """A secret that no key opens."""

    def __init__(self) -> None:
        super().__init__(
            "A secret of this source cannot be opened by any of GATEHOUSE_ENCRYPTION_KEYS. Put the key it was sealed "
            "with beside the others, or set the secret anew.",
            permanent=True,
        )


@as_owner()
def write(source: Source, secrets: Mapping[str, str]) -> None:
    """Keep these secrets; an empty one is forgotten. Raises ConnectorError without a key."""
    for name, value in secrets.items():
        if value:
            sealed = _sealed(value, _row(source.pk, name))
            SourceSecret.objects.update_or_create(source_id=source.pk, name=name, defaults={"sealed": sealed})
        else:
            SourceSecret.objects.filter(source_id=source.pk, name=name).delete()


@as_owner()
def read(source: Source) -> dict[str, str]:
    """Raises ConnectorError where one does not open."""
    kept = SourceSecret.objects.filter(source_id=source.pk)
    return {secret.name: _opened(bytes(secret.sealed), _row(source.pk, secret.name)) for secret in kept}


@as_owner()
def names(source: Source) -> list[str]:
    return list(SourceSecret.objects.filter(source_id=source.pk).order_by("name").values_list("name", flat=True))


@as_owner()
def rotate() -> int:
    """Seal anew, with the first key, whatever another one sealed; how many. All or none: one may not open."""
    rotated = 0
    for secret in SourceSecret.objects.select_for_update().order_by("source_id", "name"):
        row = _row(secret.source_id, secret.name)
        value = _opened(bytes(secret.sealed), row)
        if not bytes(secret.sealed).startswith(VERSION + _mark(_keys()[0])):
            SourceSecret.objects.filter(pk=secret.pk).update(sealed=_sealed(value, row))
            rotated += 1
    return rotated


def _row(source_id: int, name: str) -> bytes:
    return f"connectors.sourcesecret:{source_id}:{name}".encode()


def _sealed(value: str, row: bytes) -> bytes:
    key, nonce = _keys()[0], os.urandom(NONCE)
    return VERSION + _mark(key) + nonce + AESGCM(key).encrypt(nonce, value.encode(), row)


def _opened(sealed: bytes, row: bytes) -> str:
    mark, nonce, content = sealed[1 : 1 + KEY_MARK], sealed[1 + KEY_MARK :][:NONCE], sealed[1 + KEY_MARK + NONCE :]
    for key in _keys():
        if sealed.startswith(VERSION) and _mark(key) == mark:
            try:
                return AESGCM(key).decrypt(nonce, content, row).decode()
            except InvalidTag:
                break
    raise Unsealable


def _mark(key: bytes) -> bytes:
    return sha256(b"gatehouse" + key).digest()[:KEY_MARK]


def _keys() -> list[bytes]:
    keys = [base64.b64decode(key) for key in settings.ENCRYPTION_KEYS]
    if not keys:
        raise ConnectorError(
            "GATEHOUSE_ENCRYPTION_KEYS is unset, so no secret can be kept. Make one: openssl rand -base64 32",
            permanent=True,
        )
    return keys
