"""Where keys come from, and what happens without the right one."""

import logging
from multiprocessing import get_context

import pytest
from cryptography.fernet import Fernet

from include.connections.vault import (
    InvalidKey,
    Vault,
    VaultLocked,
    is_key_file_used,
    make_key_file,
    new_key,
    open_vault,
)
from include.settings import Settings


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_without_a_key_a_file_only_its_owner_can_read_is_made_with_a_warning(folder, caplog):
    current = Settings(data_dir=folder)
    with caplog.at_level(logging.WARNING):
        vault = open_vault(current)
        assert not current.key_path.exists()  # not before it is needed
        stored = vault.encrypt(b"secret")
    assert "CORVANA_ENCRYPTION_KEYS" in caplog.text
    assert current.key_path.stat().st_mode & 0o777 == 0o600
    assert current.key_path.read_text() not in caplog.text
    assert open_vault(current).decrypt(stored) == b"secret"
    assert is_key_file_used(current)
    assert [path.name for path in folder.iterdir()] == ["vault.key"]


def _encrypted(folder):
    return open_vault(Settings(data_dir=folder)).encrypt(b"secret")


def test_processes_that_need_a_key_at_once_make_one(folder):
    with get_context("spawn").Pool(4) as pool:
        stored = pool.map(_encrypted, [folder] * 8)
    vault = open_vault(Settings(data_dir=folder))
    assert {vault.decrypt(one) for one in stored} == {b"secret"}


def test_a_key_file_is_replaced_whole_and_stays_private(folder):
    current = Settings(data_dir=folder)
    stored = open_vault(current).encrypt(b"secret")
    old = current.key_path.read_text()
    make_key_file(current.key_path, f"{new_key().decode()},{old}", replace=True)
    assert current.key_path.stat().st_mode & 0o777 == 0o600
    rotated = open_vault(current).rotate(stored)
    assert open_vault(current).decrypt(rotated) == b"secret"
    with pytest.raises(VaultLocked):
        Vault(lambda: [old.encode()]).decrypt(rotated)


@pytest.mark.parametrize("keys", ["my-own-key", "", " , "])
def test_a_wrong_key_says_how_to_make_one_and_is_not_shown(folder, keys, monkeypatch):
    """In an Airflow Variable, or a key file; CORVANA_ENCRYPTION_KEYS is checked at start."""
    monkeypatch.setenv("AIRFLOW_VAR_CORVANA_KEYS", keys)
    vault = open_vault(Settings(data_dir=folder, encryption_keys_variable="corvana_keys"))
    with pytest.raises(InvalidKey, match=r"CORVANA_ENCRYPTION_KEYS.*corvana keys new") as caught:
        vault.encrypt(b"secret")
    assert "my-own-key" not in str(caught.value)
    assert not (folder / "vault.key").exists()


def test_keys_are_tried_newest_first(folder):
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    stored = Vault(lambda: [old.encode()]).encrypt(b"secret")
    both = open_vault(Settings(data_dir=folder, encryption_keys=f"{new}, {old}"))
    assert both.decrypt(stored) == b"secret"
    assert Vault(lambda: [new.encode()]).decrypt(both.encrypt(b"newer")) == b"newer"
    with pytest.raises(VaultLocked, match="Add that key, or connect again"):
        Vault(lambda: [new.encode()]).decrypt(stored)


def test_an_airflow_variable_can_hold_the_keys(folder, monkeypatch):
    key = new_key().decode()
    monkeypatch.setenv("AIRFLOW_VAR_CORVANA_KEYS", key)
    current = Settings(data_dir=folder, encryption_keys_variable="corvana_keys")
    stored = open_vault(current).encrypt(b"secret")
    assert Vault(lambda: [key.encode()]).decrypt(stored) == b"secret"
    assert not is_key_file_used(current)
    assert not current.key_path.exists()


def test_an_airflow_variable_that_is_not_there_is_named(folder):
    current = Settings(data_dir=folder, encryption_keys_variable="corvana_none")
    with pytest.raises(InvalidKey, match="Variable corvana_none, which does not exist"):
        open_vault(current).encrypt(b"secret")
