"""Encryption of secrets at rest."""

import logging
import os
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from pydantic import SecretStr

log = logging.getLogger(__name__)


class VaultLocked(Exception):
    """A secret cannot be decrypted with the keys at hand."""


class Vault:
    """Encrypts with the newest key and decrypts with any.

    Args:
        keys: Fernet keys, newest first.

    Raises:
        ValueError: A key is no Fernet key.
    """

    def __init__(self, keys: list[bytes]) -> None:
        self._fernet = MultiFernet([Fernet(key) for key in keys])

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
    """Return the key in a file only its owner can read."""
    try:
        descriptor = os.open(key_path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return key_path.read_bytes()
    key = Fernet.generate_key()
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
    log.warning(
        "made the key file %s: secrets are only as safe as it is; set CORVANA_ENCRYPTION_KEYS "
        "outside of a demo",
        key_path,
    )
    return key
