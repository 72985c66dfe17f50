"""The registry and the vault."""

import logging

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr

from include.connections.registry import UnknownConnection, open_registry
from include.connections.schedule import hourly
from include.connections.vault import InvalidKey, Vault, VaultLocked, open_vault
from include.settings import DataDirUnusable, Settings

TOKEN = "a-very-secret-token"


@pytest.fixture
def current(tmp_path):
    return Settings(data_dir=tmp_path / "data")


def test_connecting_again_keeps_id_and_salt_and_replaces_the_token(current):
    registry = open_registry(current)
    first = registry.connect("https://sentry.io", "acme", "old")
    salt = registry.secrets(first.id).salt
    again = registry.connect("https://sentry.io", "acme", TOKEN)
    other = registry.connect("https://de.sentry.io", "acme", TOKEN)
    assert again == first
    assert registry.secrets(first.id).token == TOKEN
    assert registry.secrets(first.id).salt == salt
    assert registry.secrets(other.id).salt != salt
    assert [connection.id for connection in registry.live()] == [first.id, other.id]
    assert registry.get(other.id) == other


def test_an_unknown_connection_is_named(current):
    with pytest.raises(UnknownConnection, match="no connection c404"):
        open_registry(current).get("c404")


def test_nothing_secret_is_readable_in_the_registry(current):
    registry = open_registry(current)
    connection = registry.connect("https://sentry.io", "acme", TOKEN)
    content = current.registry_path.read_bytes()
    assert TOKEN.encode() not in content
    assert registry.secrets(connection.id).salt not in content
    assert TOKEN not in repr(registry.secrets(connection.id))


def test_without_a_key_a_file_only_its_owner_can_read_is_made_with_a_warning(tmp_path, caplog):
    path = tmp_path / "vault.key"
    with caplog.at_level(logging.WARNING):
        stored = open_vault(None, path).encrypt(b"secret")
    assert "CORVANA_ENCRYPTION_KEYS" in caplog.text
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text() not in caplog.text
    assert open_vault(None, path).decrypt(stored) == b"secret"


def test_a_wrong_key_says_how_to_make_one(tmp_path):
    with pytest.raises(InvalidKey, match=r"CORVANA_ENCRYPTION_KEYS.*generate_key") as caught:
        open_vault(SecretStr("my-own-key"), tmp_path / "unused")
    assert "my-own-key" not in str(caught.value)


def test_keys_can_be_rotated_newest_first(tmp_path):
    old, new = (Fernet.generate_key().decode() for _ in range(2))
    stored = Vault([old.encode()]).encrypt(b"secret")
    both = open_vault(SecretStr(f"{new}, {old}"), tmp_path / "unused")
    assert both.decrypt(stored) == b"secret"
    assert Vault([new.encode()]).decrypt(both.encrypt(b"newer")) == b"newer"
    with pytest.raises(VaultLocked, match="Restore that key"):
        Vault([new.encode()]).decrypt(stored)
    assert not (tmp_path / "unused").exists()


def test_loads_are_spread_over_the_hour_and_never_move():
    minutes = [int(hourly(f"c{n:016x}").split()[0]) for n in range(600)]
    assert set(minutes) == set(range(60))
    assert hourly("c1") == hourly("c1")
    assert hourly("c1").endswith(" * * * *")


def test_a_data_folder_that_cannot_be_made_is_one_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    current = Settings(data_dir=tmp_path / "file" / "data")
    with pytest.raises(DataDirUnusable, match=r"cannot be written .*CORVANA_DATA_DIR"):
        open_registry(current)


def test_a_relative_data_folder_is_the_same_for_every_process(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert Settings(data_dir="here").data_dir == tmp_path / "here"
