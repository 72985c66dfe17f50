"""Changes that somebody else's page, or somebody else's form, asks for."""

import pytest

from include.connections.states import State
from include.web.signing import BROWSER, form_token
from tests.web.conftest import HOME, SITE

FROM_HERE = {"Origin": SITE, "Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def path(connect):
    return f"/integrations/sentry/{connect().id}/schedule"


@pytest.fixture
def is_unchanged(registry):
    yield
    (only,) = registry.in_state(State.CONNECTED)
    assert only.schedule == "hourly"


@pytest.mark.usefixtures("is_unchanged")
class TestRefused:
    @pytest.mark.parametrize("token", [None, "", "x", "WyJhZG1pbi0xIiwieCJd.bad", "é", "a.b.c"])
    def test_no_token_or_a_forged_one(self, token, admin, path):
        admin.get(HOME)
        fields = {"schedule": "daily"} | ({} if token is None else {"token": token})
        answer = admin.send(path, fields, **FROM_HERE)
        assert answer.status_code == 403
        assert "nothing was changed" in answer.text

    def test_another_users_token_in_this_browser(self, admin, path):
        admin.get(HOME)
        token = form_token("op-1", admin.client.cookies[BROWSER])
        fields = {"token": token, "schedule": "daily"}
        assert admin.send(path, fields, **FROM_HERE).status_code == 403

    def test_this_users_token_of_another_browser(self, admin, sign_in, path):
        token = sign_in("admin").token()
        admin.get(HOME)
        fields = {"token": token, "schedule": "daily"}
        assert admin.send(path, fields, **FROM_HERE).status_code == 403

    def test_without_the_cookie(self, admin, path):
        token = admin.token()
        del admin.client.cookies[BROWSER]
        fields = {"token": token, "schedule": "daily"}
        assert admin.send(path, fields, **FROM_HERE).status_code == 403

    def test_an_empty_cookie_with_a_token_for_it(self, admin, path):
        admin.client.cookies.set(BROWSER, "", path="/integrations")
        fields = {"token": form_token("admin-1", ""), "schedule": "daily"}
        assert admin.send(path, fields, **FROM_HERE).status_code == 403

    @pytest.mark.parametrize(
        "told",
        [
            {},
            {"Origin": "https://evil.example"},
            {"Origin": "null"},
            {"Origin": f"{SITE}.evil.example"},
            {"Origin": "http://testserver:81"},
            {"Origin": SITE, "Sec-Fetch-Site": "cross-site"},
            {"Origin": SITE, "Sec-Fetch-Site": "same-site"},
            {"Origin": SITE, "Sec-Fetch-Site": "none"},
            {"Sec-Fetch-Site": "cross-site"},
            {"Sec-Fetch-Site": ""},
        ],
    )
    def test_another_site_even_with_a_good_token(self, told, admin, path):
        answer = admin.send(path, {"token": admin.token(), "schedule": "daily"}, **told)
        assert answer.status_code == 403
        assert "another site" in answer.text

    def test_the_token_in_the_address(self, admin, path):
        fields = {"schedule": "daily"}
        answer = admin.send(f"{path}?token={admin.token()}&schedule=daily", fields, **FROM_HERE)
        assert answer.status_code == 403

    @pytest.mark.parametrize(
        "kind", ["application/json", "text/plain", "multipart/form-data; boundary=x", ""]
    )
    def test_no_form(self, kind, admin, path):
        headers = {**FROM_HERE, "Content-Type": kind}
        content = f"token={admin.token()}&schedule=daily"
        assert admin.client.post(path, content=content, headers=headers).status_code == 415

    def test_a_form_that_is_too_large(self, admin, path):
        fields = {"token": admin.token(), "schedule": "daily", "more": "x" * 20_000}
        assert admin.send(path, fields, **FROM_HERE).status_code == 413

    @pytest.mark.parametrize("body", [b"\xff\xfe=1", b"&".join([b"a=1"] * 50)])
    def test_a_form_that_cannot_be_read(self, body, admin, path):
        admin.get(HOME)
        headers = {**FROM_HERE, "Content-Type": "application/x-www-form-urlencoded"}
        assert admin.client.post(path, content=body, headers=headers).status_code == 400

    @pytest.mark.parametrize("schedule", ["", "hourly; drop", "weekly", "<script>"])
    def test_a_schedule_that_is_none(self, schedule, admin, path):
        answer = admin.press(path, schedule=schedule)
        assert answer.status_code == 400
        assert "<script>" not in answer.text

    def test_by_get(self, admin, path):
        assert admin.get(f"{path}?schedule=daily&token={admin.token()}").status_code == 405


def test_it_works_from_here(admin, path, registry):
    answer = admin.press(path, schedule="daily")
    assert answer.status_code == 303
    assert answer.headers["location"] == HOME
    (only,) = registry.in_state(State.CONNECTED)
    assert only.schedule == "daily"


@pytest.mark.parametrize("told", [{"Origin": SITE}, {"Sec-Fetch-Site": "same-origin"}])
def test_a_browser_that_says_less(told, admin, path):
    answer = admin.send(path, {"token": admin.token(), "schedule": "daily"}, **told)
    assert answer.status_code == 303


def test_behind_a_proxy_that_changes_the_host(admin, path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__API__BASE_URL", "https://airflow.example")
    fields = {"token": admin.token(), "schedule": "daily"}
    # The cookie is for https now, which this client does not speak.
    assert admin.send(path, fields, Origin="https://airflow.example").status_code == 403
    headers = {"Origin": "https://airflow.example", "Cookie": _cookies(admin)}
    assert admin.send(path, fields, **headers).status_code == 303


def _cookies(browser):
    return "; ".join(f"{one.name}={one.value}" for one in browser.client.cookies.jar)


def test_a_messages_cookie_cannot_be_made_up(admin, current):
    admin.client.cookies.set("corvana_message", "eyJraW5kIjoiYmFkIn0.x.y", path="/integrations")
    assert 'id="message"' not in admin.get(HOME).text


def test_a_message_is_for_one_user_and_shown_once(admin, sign_in, path):
    admin.press(path, schedule="daily")
    kept = admin.client.cookies["corvana_message"]
    other = sign_in("op")
    other.client.cookies.set("corvana_message", kept, path="/integrations")
    assert other.message() == ""
    assert admin.message().startswith("lumen-goods is loaded once a day from now on.")
    assert admin.message() == ""
