"""What docker-compose.yaml and the image promise: nothing is open, unlimited, or shows a secret."""

import os
import re
import shutil
import stat
import subprocess
import sys
import tarfile
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from urllib.request import urlopen

import msgspec
import pytest
import yaml
from cryptography.fernet import Fernet
from jsonschema import Draft7Validator
from sqlalchemy.engine import make_url

from include.settings import PROJECT_ROOT, Settings
from tests.ports import free_port
from tests.scale.compose import FILE, Translation, interpolated, read

ENDING = {"folders", "init"}
"""Services that end when they are done."""

COMPOSE = read({})
SERVICES = COMPOSE["services"]
LASTING = sorted(SERVICES.keys() - ENDING)
IMAGES = {name for name, service in SERVICES.items() if "build" in service}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert "privileged" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in {"", "0", "root"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_limited(name: str) -> None:
    limits = SERVICES[name]["deploy"]["resources"]["limits"]
    assert float(limits["cpus"]) > 0
    assert re.fullmatch(r"\d+[mg]", limits["memory"])
    assert limits["pids"] > 0


@pytest.mark.parametrize("name", LASTING)
def test_a_service_that_lasts_has_a_health_check_and_is_started_again(name: str) -> None:
    assert SERVICES[name]["healthcheck"]["test"][0] in {"CMD", "CMD-SHELL"}
    assert SERVICES[name]["restart"] == "unless-stopped"


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_has_a_version(name: str) -> None:
    _, _, tag = SERVICES[name]["image"].partition(":")
    assert re.search(r"\d", tag)


def test_no_environment_has_a_secret() -> None:
    """Passwords, keys and tokens are files; what names one here is the command that reads it."""
    telling = re.compile(r"password|secret|token|key|_url|conn", re.IGNORECASE)
    for name, service in SERVICES.items():
        for variable, value in service.get("environment", {}).items():
            if telling.search(variable):
                is_file = value.startswith(("cat /run/secrets/", "/"))
                is_no_secret = variable in {
                    "AIRFLOW__API__BASE_URL",
                    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
                    "AIRFLOW__SECRETS__BACKEND",
                    "AIRFLOW__SECRETS__BACKEND_KWARGS",
                    "AIRFLOW__WORKERS__SECRETS_BACKEND",
                    "AIRFLOW__WORKERS__SECRETS_BACKEND_KWARGS",
                }
                assert is_file or is_no_secret, (name, variable)


def test_a_secret_that_is_used_is_declared_and_made(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    made = {path.name for path in tmp_path.iterdir()}
    used = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert used == set(COMPOSE["secrets"]) == made
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
    for name, service in SERVICES.items():
        mentioned = set(re.findall(r"/run/secrets/([\w.]+)", yaml.dump(service)))
        assert mentioned <= set(service.get("secrets", [])), name


def test_only_the_page_and_the_sandbox_are_reached_and_only_from_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {"api-server": ["127.0.0.1:8080:8080"], "sandbox": ["127.0.0.1:9000:9001"]}
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis", "object-store"):
        assert SERVICES[name]["networks"] == ["inside"]


def test_the_sandbox_starts_only_when_asked_for() -> None:
    assert SERVICES["sandbox"]["profiles"] == ["sandbox"]


def test_variables_and_dollars_are_replaced_as_compose_does() -> None:
    text = "${A:-one} ${B:-two} ${C:-} $$(cat ${A})"
    assert interpolated(text, {"A": "1", "B": ""}) == "1 two  $(cat 1)"


def test_longer_names_are_translated_first() -> None:
    translation = Translation({"/opt": "/o", "/opt/airflow": "/a"})
    assert translation("/opt/airflow/x:/opt/y") == "/a/x:/o/y"


def test_what_the_image_is_made_from_is_sent_to_the_builder() -> None:
    """What .dockerignore lets through is what the Dockerfile copies, and is in the repository."""
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    sources = {
        source
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    ignore = (PROJECT_ROOT / ".dockerignore").read_text().splitlines()
    assert sources == {line.removeprefix("!") for line in ignore if line.startswith("!")}
    assert all((PROJECT_ROOT / source).exists() for source in sources)
    assert re.search(r"^USER 50000:50000$", dockerfile, re.MULTILINE)


def test_folders_that_volumes_hide_belong_to_whoever_writes_there() -> None:
    """A new volume belongs to whom its folder belongs in the image."""
    dockerfile = (PROJECT_ROOT / "Dockerfile").read_text()
    for name in IMAGES:
        for volume in SERVICES[name]["volumes"]:
            folder = volume.split(":")[1]
            assert re.search(rf"^ +.*{folder}( |$)", dockerfile, re.MULTILINE), folder


def make_secrets(folder: Path, *options: str) -> None:
    subprocess.run(
        [PROJECT_ROOT / "deploy/secrets.sh", *options],
        env={"PATH": "/usr/bin:/bin", "SECRETS": str(folder)},
        check=True,
        capture_output=True,
    )


def test_secrets_are_strong_and_fit_together(tmp_path: Path) -> None:
    make_secrets(tmp_path, "--sandbox")
    secrets = {path.name: path.read_text() for path in tmp_path.iterdir()}
    for name in ("airflow_fernet_key", "corvana_encryption_keys"):
        Fernet(secrets[name])
    for name in ("airflow", "lake", "registry"):
        (url,) = (
            make_url(text)
            for text in secrets.values()
            if text.startswith("postgresql") and f"@postgres:5432/{name}" in text
        )
        assert url.username == name
        assert url.password == secrets[f"postgres_{name}_password"]
    assert make_url(secrets["airflow_broker_url"]).password == secrets["redis_password"]
    passwords = msgspec.json.decode(secrets["airflow_passwords.json"])
    connections = msgspec.json.decode(secrets["airflow_connections.json"])
    assert connections["airflow_api"]["password"] == passwords["corvana"]
    assert connections["sentry_oauth_app"]["host"] == "127.0.0.1"
    assert len(set(secrets.values())) == len(secrets)
    single = [text for name, text in secrets.items() if "." not in name]
    assert min(len(text) for text in single) >= 19


def test_secrets_that_are_there_stay(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    (tmp_path / "redis_password").unlink()
    make_secrets(tmp_path)
    after = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert after.pop("redis_password") != before.pop("redis_password")
    assert after == before


def test_nobody_else_gets_at_the_secrets(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700


def test_the_settings_take_the_secrets_by_their_names(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    settings = Settings(
        _secrets_dir=tmp_path, warehouse_backend="ducklake", lake_storage="s3://corvana/lakes"
    )
    for name in (
        "encryption_keys",
        "lake_catalog_url",
        "lake_s3_secret_access_key",
        "registry_url",
    ):
        secret = getattr(settings, name)
        assert secret is not None
        assert secret.get_secret_value() == (tmp_path / f"corvana_{name}").read_text()
    assert (
        settings.lake_s3_access_key_id == (tmp_path / "corvana_lake_s3_access_key_id").read_text()
    )


@pytest.mark.parametrize("state", ["missing", "empty"])
def test_nothing_starts_without_a_secret(tmp_path: Path, state: str) -> None:
    make_secrets(tmp_path)
    (tmp_path / "airflow_fernet_key").unlink()
    if state == "empty":
        (tmp_path / "airflow_fernet_key").touch()
    ended = subprocess.run(
        [PROJECT_ROOT / "deploy/entrypoint.sh", "echo", "started"],
        env={"PATH": "/usr/bin:/bin", "SECRETS_DIR": str(tmp_path)},
        check=False,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 78
    assert ended.stdout == ""
    assert "The secret airflow_fernet_key is missing" in ended.stderr
    assert "deploy/secrets.sh" in ended.stderr


def test_the_command_gets_a_copy_of_the_passwords_that_only_it_reads(tmp_path: Path) -> None:
    make_secrets(tmp_path / "secrets")
    copy = tmp_path / "passwords.json"
    ended = subprocess.run(
        [PROJECT_ROOT / "deploy/entrypoint.sh", "echo", "started"],
        env={
            "PATH": "/usr/bin:/bin",
            "SECRETS_DIR": str(tmp_path / "secrets"),
            "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(copy),
        },
        check=True,
        capture_output=True,
        text=True,
    )
    assert ended.stdout == "started\n"
    assert copy.read_bytes() == (tmp_path / "secrets/airflow_passwords.json").read_bytes()
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600


class Answering(BaseHTTPRequestHandler):
    """A server that answers with what it was given."""

    body = b"healthy"

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, *_arguments: object) -> None:
        pass


@pytest.fixture
def server():
    there = HTTPServer(("127.0.0.1", 0), Answering)
    Thread(target=there.serve_forever, daemon=True).start()
    yield there.server_address[1]
    there.shutdown()


@pytest.mark.parametrize(
    ("body", "is_healthy"), [(b"ok", True), (b'{"scheduler": "unhealthy"}', False)]
)
def test_the_health_check_believes_what_a_server_says(server, body, is_healthy, monkeypatch):
    monkeypatch.setattr(Answering, "body", body)
    assert is_url_healthy(server) is is_healthy


def test_a_server_that_does_not_answer_is_not_healthy() -> None:
    assert not is_url_healthy(free_port())


def is_url_healthy(port: int) -> bool:
    command = [
        sys.executable,
        PROJECT_ROOT / "deploy/healthy.py",
        "url",
        f"http://127.0.0.1:{port}",
    ]
    return subprocess.run(command, check=False).returncode == 0


def test_a_relay_leads_there_and_ends_with_its_command(server: int) -> None:
    port = free_port()
    relay = subprocess.Popen(
        [
            sys.executable,
            PROJECT_ROOT / "deploy/relay.py",
            f"127.0.0.1:{port}",
            f"127.0.0.1:{server}",
            "--",
            sys.executable,
            "-c",
            (
                "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(7)); "
                "print('ready', flush=True); time.sleep(60)"
            ),
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert relay.stdout is not None
        assert relay.stdout.readline() == b"ready\n"
        with urlopen(f"http://127.0.0.1:{port}", timeout=5) as answer:
            assert answer.read() == b"healthy"
        relay.terminate()
        assert relay.wait(20) == 7
    finally:
        relay.kill()


def test_the_file_is_yaml_that_compose_reads_once() -> None:
    """A key that is there twice would hide another one."""

    class Strict(yaml.SafeLoader):
        pass

    def mapping(loader: Strict, node: yaml.MappingNode) -> dict:
        keys = [key.value for key, _ in node.value if key.tag != "tag:yaml.org,2002:merge"]
        assert len(keys) == len(set(keys)), keys
        return yaml.SafeLoader.construct_mapping(loader, node, deep=True)

    Strict.add_constructor("tag:yaml.org,2002:map", mapping)
    yaml.load(FILE.read_text(), Strict)  # noqa: S506 - a safe loader


@pytest.mark.scale
def test_the_file_keeps_to_the_specification_of_compose(tmp_path: Path) -> None:
    """Its JSON schema comes from a package that has it: `dclint`, which checks Compose files."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    command = [npm, "pack", "--silent", "dclint@3.1.0"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    with tarfile.open(tmp_path / "dclint-3.1.0.tgz") as package:
        file = package.extractfile("package/schemas/compose.schema.json")
        assert file is not None
        schema = msgspec.json.decode(file.read())
    assert schema["title"] == "Compose Specification"
    errors = Draft7Validator(schema).iter_errors(yaml.safe_load(FILE.read_text()))
    assert [f"{error.json_path}: {error.message}" for error in errors] == []


def test_the_image_is_written_as_hadolint_wants_it() -> None:
    hadolint = shutil.which("hadolint", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if hadolint is None:
        pytest.skip("hadolint is not installed")
    checked = subprocess.run(
        [hadolint, PROJECT_ROOT / "Dockerfile"], check=False, capture_output=True, text=True
    )
    assert checked.stdout == ""
