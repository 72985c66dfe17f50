"""Backups as docs/runbook.md says to make them: its own commands, against both databases."""

import re
import shutil
import subprocess
import sys

import pytest
from cryptography.fernet import Fernet

from include.connections.registry import open_registry
from include.settings import PROJECT_ROOT, Settings
from tests.unit.connections.conftest import GRANT, SENTRY

BASH = shutil.which("bash")
RUNBOOK = PROJECT_ROOT / "docs" / "runbook.md"


def command(beginning):
    """Return the command in the runbook that begins so."""
    found = re.findall(rf"^{re.escape(beginning)}.*$", RUNBOOK.read_text(), re.MULTILINE)
    assert len(found) == 1, f"{beginning} is in the runbook {len(found)} times"
    return found[0]


def run(line, folder, **variables):
    done = subprocess.run(
        [BASH, "-c", line], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_copy_of_the_sqlite_file_made_while_it_is_in_use(tmp_path):
    current = Settings(data_dir=tmp_path / "data", encryption_keys=Fernet.generate_key().decode())
    registry = open_registry(current)
    made = registry.begin(SENTRY, GRANT, "tests")
    salt = registry.tokens.of(made.id).salt
    variables = {
        "CORVANA_DATA_DIR": str(current.data_dir),
        "PATH": f"{tmp_path / 'bin'}:/usr/bin:/bin",
    }
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to(sys.executable)
    with registry.database.reading() as session:  # while somebody reads
        session.connection()
        run(command(".venv/bin/python -c"), tmp_path, **variables)
    registry.begin(SENTRY, GRANT, "later")
    registry.database.engine.dispose()
    shutil.copyfile(tmp_path / "registry-backup.db", current.registry_path)
    restored = open_registry(current)
    assert [one.id for one in restored.all()] == [made.id]
    assert restored.tokens.of(made.id).salt == salt


def test_a_dump_of_postgres(tmp_path, new_database):
    if not shutil.which("pg_dump"):
        pytest.skip("Postgres' clients are not installed (pg_dump)")
    current = Settings(
        data_dir=tmp_path / "data",
        encryption_keys=Fernet.generate_key().decode(),
        registry_url=new_database(),
    )
    registry = open_registry(current)
    made = registry.begin(SENTRY, GRANT, "tests")
    address = current.registry_address.replace("+psycopg", "")
    variables = {
        "REGISTRY": address,
        "PATH": str(shutil.which("pg_dump"))[: -len("/pg_dump")] + ":/usr/bin:/bin",
    }
    run(command("pg_dump"), tmp_path, **variables)
    registry.begin(SENTRY, GRANT, "later")
    registry.database.engine.dispose()
    run(command("pg_restore"), tmp_path, **variables)
    assert [one.id for one in open_registry(current).all()] == [made.id]
