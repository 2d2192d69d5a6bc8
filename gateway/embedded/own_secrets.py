"""The secrets an installation makes for itself, kept in one private file of its data directory."""

import base64
import dataclasses
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from gateway.start import stop


@dataclass(frozen=True)
class Secrets:
    secret_key: str
    encryption_key: str  # base64 of 32 bytes
    postgres_password: str
    valkey_password: str


def secrets_of(data_dir: Path) -> Secrets:
    """The secrets of this data directory, made on first use. Stops with a sentence when it cannot be written."""
    file = data_dir / "secrets.json"
    try:
        if not file.exists():
            _write_once(file)
        return Secrets(**json.loads(file.read_text()))
    except OSError as error:
        stop(f"the data directory {data_dir} cannot be used: {error.strerror}. GATEHOUSE_DATA_DIR names another.")
    except (ValueError, TypeError):
        stop(f"{file} is damaged. Restore it from a backup; the database beside it opens with no other.")


def _write_once(file: Path) -> None:
    # Search permission lets the servers' account pass through when root runs them; it lists nothing.
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    if (file.parent / "postgres").exists():
        stop(f"{file} is missing. Restore it from a backup; the database beside it opens with no other.")
    draft = file.with_name(f".secrets-{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as stream:
            json.dump(dataclasses.asdict(_new_secrets()), stream, indent=1)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, file)
    except FileExistsError:
        pass  # another process was first, and its secrets count
    finally:
        draft.unlink()


def _new_secrets() -> Secrets:
    return Secrets(
        secret_key=secrets.token_urlsafe(60),
        encryption_key=base64.b64encode(secrets.token_bytes(32)).decode(),
        postgres_password=secrets.token_urlsafe(32),
        valkey_password=secrets.token_urlsafe(32),
    )
