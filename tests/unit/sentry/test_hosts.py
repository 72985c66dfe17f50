"""Where a token may go, and where it must not."""

import pytest

from dlt_sources.sentry import errors
from dlt_sources.sentry.client import Client
from dlt_sources.sentry.hosts import Origin
from tests.unit.sentry.scripted import ORGANIZATION, TOKEN, read_organization, whole_chain


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("https://sentry.io", "https://sentry.io"),
        ("https://US.sentry.io/", "https://us.sentry.io"),
        ("https://sentry.io:443", "https://sentry.io"),
        ("http://localhost:9000", "http://localhost:9000"),
        ("http://[::1]:9000/", "http://[::1]:9000"),
        ("https://127.0.0.1", "https://127.0.0.1"),
        ("https://sentry.corp.example:8443", "https://sentry.corp.example:8443"),
    ],
)
def test_a_token_may_go_to_sentry_to_this_machine_and_where_it_is_told(address, expected):
    with Client(address, "acme", TOKEN, hosts=["Sentry.Corp.example"]) as client:
        assert client.base_url == expected


@pytest.mark.parametrize(
    "address",
    [
        "http://sentry.io",
        "http://sentry.corp.example",
        "ftp://127.0.0.1",
        "sentry.io",
        "",
        "https://",
        "https://user:c4n4ry@sentry.io",
        "https://c4n4ry@sentry.io",
        "https://sentry.io/c4n4ry",
        "https://sentry.io?c4n4ry",
        "https://sentry.io#c4n4ry",
        "https://sentry.io//",
        "https://sentry.io\\@c4n4ry.test",
        "https://c4n4ry.test#@sentry.io",
        "https://c4n4ry.test/.sentry.io",
        "https://sentry.io\n",
        " https://sentry.io",
        "https://sentry.io:99999",
        "https://sentry.io:0",
        "https://sentry.io.",
        "https://.sentry.io",
        "https://c4n4ry..sentry.io",
        "https://\uff53entry.io",
        "https://sentry%2eio",
        "http://127.0.0.1.c4n4ry.test",
        "http://127.1",
    ],
)
def test_an_address_with_anything_beside_a_host_is_none(address):
    with pytest.raises(ValueError, match=r"no address of a Sentry server: use https://") as caught:
        Client(address, "acme", TOKEN, hosts=["sentry.corp.example"])
    assert "c4n4ry" not in whole_chain(caught.value)


@pytest.mark.parametrize(
    "host",
    ["notsentry.io", "sentry.io.evil.test", "evil.test", "sub.sentry.corp.example", "10.0.0.1"],
)
def test_a_server_that_nobody_named_is_refused_with_what_to_set(host):
    with pytest.raises(ValueError, match=rf"'{host}' .* add this name to CORVANA_SENTRY_HOSTS"):
        Client(f"https://{host}", "acme", TOKEN, hosts=["sentry.corp.example"])


@pytest.mark.parametrize(
    ("base", "region"),
    [
        ("https://sentry.io", "https://us.sentry.io"),
        ("https://sentry.io", "https://de.sentry.io/"),
        ("https://us.sentry.io", "https://de.sentry.io"),
        ("https://us.sentry.io", "https://sentry.io"),
        ("https://sentry.corp.example", "https://sentry.corp.example:8443"),
        ("http://127.0.0.1:9000", "http://localhost:9001"),
    ],
)
def test_a_region_of_the_same_server_is_moved_to(base, region):
    with Client(base, "acme", TOKEN, hosts=["sentry.corp.example"]) as client:
        client.move_to(region)
        assert client.base_url == region.rstrip("/")


@pytest.mark.parametrize(
    ("base", "region"),
    [
        ("https://sentry.io", "http://us.sentry.io"),
        ("https://sentry.io", "https://c4n4ry.test"),
        ("https://sentry.io", "https://sentry.io.c4n4ry.test"),
        ("https://sentry.io", "https://c4n4ry@us.sentry.io"),
        ("https://sentry.io", "https://us.sentry.io/c4n4ry"),
        ("https://sentry.io", "http://127.0.0.1"),
        ("https://sentry.io", "https://sentry.corp.example"),
        ("https://sentry.corp.example", "https://us.sentry.io"),
        ("https://sentry.corp.example", "http://sentry.corp.example"),
        ("http://127.0.0.1:9000", "https://us.sentry.io"),
        ("https://sentry.io", ""),
    ],
)
def test_a_region_elsewhere_is_refused(base, region):
    with Client(base, "acme", TOKEN, hosts=["sentry.corp.example"]) as client:
        with pytest.raises(errors.SentryError, match="must not be sent") as caught:
            client.move_to(region)
        assert client.base_url == base
    assert "c4n4ry" not in whole_chain(caught.value)


def test_requests_follow_to_the_region(server, connect):
    server.answer(body=ORGANIZATION)
    client = connect("http://localhost:9")
    client.move_to(server.base_url)
    assert read_organization(client).id == "1"
    assert client.base_url == server.base_url


@pytest.mark.parametrize(
    ("address", "netloc"),
    [
        ("https://sentry.io:443", "sentry.io"),
        ("http://localhost:80", "localhost"),
        ("https://localhost:80", "localhost:80"),
        ("http://[::1]:9000", "[::1]:9000"),
    ],
)
def test_the_host_header_names_a_port_only_where_it_is_not_the_usual_one(address, netloc):
    assert Origin.parse(address).netloc == netloc
