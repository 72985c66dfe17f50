"""Encryption of secrets at rest."""

import logging
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from tempfile import mkstemp

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from include.connections.airflow_secrets import airflow_variable
from include.settings import Settings

log = logging.getLogger(__name__)


class VaultLocked(Exception):
    """A secret cannot be decrypted with the keys at hand."""


class InvalidKey(Exception):
    """An encryption key is none, or is not where it should be."""


class Vault:
    """Encrypts with the newest key and decrypts with any.

    Args:
        keys: Returns Fernet keys, newest first; called when they are needed first, so that whoever
            only lists connections needs none.
    """

    def __init__(self, keys: Callable[[], list[bytes]]) -> None:
        self._keys = keys

    @cached_property
    def _fernet(self) -> MultiFernet:
        try:
            return MultiFernet([Fernet(key) for key in self._keys()])
        except ValueError:
            raise InvalidKey(
                "CORVANA_ENCRYPTION_KEYS (or the Airflow Variable, or the key file in the data "
                "folder) holds something that is no Fernet key. One is made by: corvana keys new"
            ) from None

    def encrypt(self, secret: bytes) -> bytes:
        """Return a secret as it may be stored.

        Raises:
            InvalidKey: There is no usable key.
        """
        return self._fernet.encrypt(secret)

    def decrypt(self, stored: bytes) -> bytes:
        """Return a stored secret.

        Raises:
            InvalidKey: There is no usable key.
            VaultLocked: It was encrypted with another key.
        """
        with _unlocked():
            return self._fernet.decrypt(stored)

    def rotate(self, stored: bytes) -> bytes:
        """Return a stored secret, encrypted with the newest key; raises as `decrypt` does."""
        with _unlocked():
            return self._fernet.rotate(stored)


@contextmanager
def _unlocked() -> Iterator[None]:
    try:
        yield
    except InvalidToken:
        raise VaultLocked(
            "The stored secrets cannot be decrypted: CORVANA_ENCRYPTION_KEYS (or the Airflow "
            "Variable, or the key file in the data folder) has not the key they were encrypted "
            "with. Add that key, or connect again."
        ) from None


def new_key() -> bytes:
    """Return a new key."""
    return Fernet.generate_key()


def open_vault(settings: Settings) -> Vault:
    """Return the vault with the keys that are set, else with the key file, made if need be.

    Keys come from CORVANA_ENCRYPTION_KEYS, else from the Airflow Variable that
    CORVANA_ENCRYPTION_KEYS_VARIABLE names, which may be in any of Airflow's secrets backends.
    """
    if settings.encryption_keys is not None:
        keys = settings.encryption_keys.get_secret_value()
        return Vault(lambda: _split(keys))
    if (name := settings.encryption_keys_variable) is not None:
        return Vault(lambda: _split(_variable(name)))
    return Vault(lambda: _split(_key_file(settings.key_path)))


def is_key_file_used(settings: Settings) -> bool:
    """Tell whether the secrets are only as safe as a file beside them."""
    return settings.encryption_keys is None and settings.encryption_keys_variable is None


def _split(keys: str) -> list[bytes]:
    return [key.strip().encode() for key in keys.split(",") if key.strip()]


def _variable(name: str) -> str:
    """Return an Airflow Variable, from whichever secrets backend has it."""
    value = airflow_variable(name)
    if value is None:
        raise InvalidKey(
            f"CORVANA_ENCRYPTION_KEYS_VARIABLE names the Airflow Variable {name}, which does not "
            "exist. Make it, with a key of `corvana keys new`."
        )
    return value


def _key_file(path: Path) -> str:
    """Return what is in a file only its owner can read, made whole or not at all."""
    if not path.exists():
        make_key_file(path, new_key().decode())
        log.warning(
            "made the key file %s: secrets are only as safe as it is; set CORVANA_ENCRYPTION_KEYS "
            "outside of a demo",
            path,
        )
    return path.read_text()


def make_key_file(path: Path, keys: str, *, replace: bool = False) -> None:
    """Write a key file, unless another process was quicker or `replace` is set."""
    descriptor, fresh = mkstemp(dir=path.parent, prefix=".key-")
    with os.fdopen(descriptor, "w") as file:
        file.write(keys)
    if replace:
        Path(fresh).replace(path)
        return
    with suppress(FileExistsError):
        os.link(fresh, path)
    Path(fresh).unlink()
