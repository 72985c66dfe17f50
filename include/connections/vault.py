"""Encryption of secrets at rest."""

import logging
import os
from contextlib import suppress
from pathlib import Path
from tempfile import mkstemp

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

log = logging.getLogger(__name__)


class VaultLocked(Exception):
    """A secret cannot be decrypted with the keys at hand."""


class InvalidKey(Exception):
    """An encryption key is none."""


class Vault:
    """Encrypts with the newest key and decrypts with any.

    Args:
        keys: Fernet keys, newest first.

    Raises:
        InvalidKey: A key is no Fernet key.
    """

    def __init__(self, keys: list[bytes]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise InvalidKey(
                "CORVANA_ENCRYPTION_KEYS (or the key file in the data folder) holds something that "
                "is no Fernet key. One is made by: python -c 'from cryptography.fernet import "
                "Fernet; print(Fernet.generate_key().decode())'"
            ) from None

    def encrypt(self, secret: bytes) -> bytes:
        """Return a secret as it may be stored."""
        return self._fernet.encrypt(secret)

    def decrypt(self, stored: bytes) -> bytes:
        """Return a stored secret.

        Raises:
            VaultLocked: It was encrypted with another key.
        """
        try:
            return self._fernet.decrypt(stored)
        except InvalidToken:
            raise VaultLocked(
                "The stored secrets cannot be decrypted: CORVANA_ENCRYPTION_KEYS (or the key file "
                "in the data folder) is not the one they were encrypted with. Restore that key, or "
                "connect again."
            ) from None


def open_vault(keys: SecretStr | None, key_path: Path) -> Vault:
    """Return the vault with the keys that are set, else with the key file, made if need be."""
    if keys is not None:
        return Vault([key.strip().encode() for key in keys.get_secret_value().split(",")])
    return Vault([_key_of_file(key_path)])


def _key_of_file(key_path: Path) -> bytes:
    """Return the key in a file only its owner can read, made whole or not at all."""
    if key_path.exists():
        return key_path.read_bytes()
    descriptor, fresh = mkstemp(dir=key_path.parent, prefix=".key-")
    with os.fdopen(descriptor, "wb") as file:
        file.write(Fernet.generate_key())
    with suppress(FileExistsError):
        os.link(fresh, key_path)
    Path(fresh).unlink()
    log.warning(
        "made the key file %s: secrets are only as safe as it is; set CORVANA_ENCRYPTION_KEYS "
        "outside of a demo",
        key_path,
    )
    return key_path.read_bytes()
