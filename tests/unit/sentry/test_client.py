"""The client: what it sends, what it refuses to send, how it reads pages and bodies."""

import logging

import pytest

from dlt_sources.sentry import endpoints, errors
from dlt_sources.sentry.allowlist import Environment, Issue, Project
from tests.unit.sentry.scripted import LEAK, ORGANIZATION, TOKEN, read_organization, whole_chain


def test_sends_the_token_as_a_header_and_nowhere_else(server, client):
    server.answer(body=ORGANIZATION)
    assert read_organization(client).slug == "acme"
    assert server.headers[0]["Authorization"] == f"Bearer {TOKEN}"
    assert server.headers[0]["Host"] == server.base_url.removeprefix("http://")
    assert server.paths == ["/api/0/organizations/acme/?detailed=0"]


def test_sends_empty_parameters_because_sentry_gives_absent_ones_another_meaning(server, client):
    server.answer(body=b"[]")
    client.get(endpoints.ISSUES, list[Issue], {"query": "", "group": ["1", "2"], "project": -1})
    assert server.paths == ["/api/0/organizations/acme/issues/?query=&group=1&group=2&project=-1"]


def test_encodes_every_character_of_a_version(server, client):
    server.answer(body=b"[]")
    list(client.pages(endpoints.DEPLOYS, list[Environment], version="a/b@1.0+2 #?é"))
    assert server.paths == [
        "/api/0/organizations/acme/releases/a%2Fb%401.0%2B2%20%23%3F%C3%A9/deploys/"
    ]


@pytest.mark.parametrize("version", ["", ".", ".."])
def test_refuses_a_value_that_would_make_the_path_another_one(server, client, version):
    with pytest.raises(ValueError, match="leads to another path"):
        list(client.pages(endpoints.DEPLOYS, list[Environment], version=version))
    assert server.paths == []


def test_refuses_a_parameter_that_is_not_on_the_list(server, client):
    with pytest.raises(ValueError, match="health"):
        client.get(endpoints.RELEASES, list[Issue], {"health": 1})
    assert server.paths == []


def test_asks_for_the_organization_by_its_number_once_it_is_known(server, client):
    server.answer(body=ORGANIZATION)
    client.organization = read_organization(client).id
    read_organization(client)
    assert server.paths[1] == "/api/0/organizations/1/?detailed=0"


def link(cursor, results="true"):
    return (
        '<http://elsewhere.test/?x>; rel="previous"; results="false"; cursor="0:0:1", '
        f'<http://elsewhere.test/?x>; rel="next"; results="{results}"; cursor="{cursor}"'
    )


def test_follows_pages_until_results_is_false_even_over_empty_ones(server, client):
    server.answer(body=b'[{"id": "1", "name": "a"}]', Link=link("0:1:0"))
    server.answer(body=b"[]", Link=link("0:2:0"))
    server.answer(body=b'[{"id": "2", "name": "b"}]', Link=link("0:3:0", "false"))
    pages = list(client.pages(endpoints.PROJECTS, list[Environment], {"per_page": 100}))
    assert [[row.id for row in page] for page in pages] == [["1"], [], ["2"]]
    assert [path.partition("cursor=")[2] for path in server.paths] == ["", "0%3A1%3A0", "0%3A2%3A0"]


def test_stops_when_pages_go_in_a_circle(server, client):
    server.answer(body=b"[]", Link=link("1"))
    with pytest.raises(errors.UnexpectedResponse, match="circle"):
        list(client.pages(endpoints.PROJECTS, list[Environment]))


@pytest.mark.parametrize(("hits", "expected"), [("1000", 1000), ("", None), ("many", None)])
def test_a_page_has_a_cursor_and_the_hits_of_the_search(server, client, hits, expected):
    server.answer(body=b"[]", Link=link("0:1:0"), X_Hits=hits)
    server.answer(body=b"[]", Link=link("0:2:0", "false"))
    first = client.page(endpoints.ISSUES, list[Issue], {"query": ""})
    assert (first.body, first.cursor, first.hits) == ([], "0:1:0", expected)
    last = client.page(endpoints.ISSUES, list[Issue], {"query": "", "cursor": first.cursor})
    assert (last.cursor, last.hits) == (None, None)


def test_a_list_without_links_has_one_page(server, client):
    server.answer(body=b"[]")
    assert client.page(endpoints.ENVIRONMENTS, list[Environment]).cursor is None


def test_pages_that_nobody_reads_are_a_warning(server, client):
    server.answer(body=b"[]", Link=link("0:1:0"))
    client.get(endpoints.ENVIRONMENTS, list[Environment])
    assert client.warnings == {
        "endpoint organizations/{organization}/environments/ has more pages than are read": 1
    }


@pytest.mark.parametrize(
    "body",
    [
        b'{"id": "1", "slug": ["c4n4ry"], "dateCreated": "2024-01-01T00:00:00Z"}',
        b'{"id": "1", "slug": "acme", "dateCreated": "c4n4ry"}',
        b'{"id": "1", "slug": "c4n4ry\xff", "dateCreated": "2024-01-01T00:00:00Z"}',
        b'["c4n4ry"]',
        b'{"c4n4ry": ' + b"[" * 100_000,
    ],
    ids=["type", "date", "no UTF-8", "list", "depth"],
)
def test_an_unexpected_body_is_named_by_its_place_and_never_by_its_value(
    server, client, caplog, body
):
    caplog.set_level(logging.DEBUG)
    server.answer(body=body)
    with pytest.raises(errors.UnexpectedResponse, match="another form than documented") as caught:
        read_organization(client)
    assert len(server.paths) == 1
    assert LEAK not in whole_chain(caught.value) + caplog.text
    assert caught.value.__cause__ is None


def test_a_drifted_optional_field_is_counted_and_loses_nothing_else(server, client):
    server.answer(
        body=b'[{"id": "1", "slug": "web", "platform": ["c4n4ry"], "isMember": true},'
        b' {"id": "2", "slug": "ios", "platform": 7}]'
    )
    found = client.get(endpoints.PROJECTS, list[Project])
    assert [(row.id, row.slug) for row in found] == [("1", "web"), ("2", "ios")]
    assert found[0].is_member is True
    assert client.warnings == {"Project.platform: another type than documented": 2}


def test_a_lone_surrogate_is_no_json_and_is_not_shown(server, client):
    server.answer(body=b'{"id": "1", "slug": "c4n4ry\\ud800"}')
    with pytest.raises(errors.Unreachable, match="no JSON") as caught:
        read_organization(client)
    assert LEAK not in whole_chain(caught.value)


def test_logs_neither_token_nor_address_at_debug(server, client, caplog):
    caplog.set_level(logging.DEBUG)
    server.answer(503, b"c4n4ry")
    server.answer(429, b"c4n4ry")
    server.answer(body=ORGANIZATION, Link="<https://c4n4ry/>", Set_Cookie="c4n4ry=1")
    read_organization(client)
    assert "Trying again in 1 s" in caplog.text
    assert TOKEN not in caplog.text
    assert "/api/0/" not in caplog.text
    assert LEAK not in caplog.text


def test_counts_requests_and_those_among_them_that_repeated_one(server, client):
    server.answer(503)
    server.answer(429, Retry_After="7")
    server.answer(body=ORGANIZATION)
    read_organization(client)
    assert (client.requests, client.retries) == (3, 2)
    assert client.waited_s == 1 + 7
