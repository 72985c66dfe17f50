"""A stand-in Sentry for the demo and the tests: an invented organization behind a real HTTP API.

It imitates the part of Sentry's web API that a read-only connector uses, with the surprises a
connector has to survive: windows that hide quiet issues, collapsed fields, pages that are empty
in the middle, merged ids that answer with their survivor, statistics without series. It shares no
code with the client it is there to test.

The organization (`generate`) is frozen data: every event, release and human action between a year
ago and four months ahead. The state at a moment (`state`, `tallies`) is a fold over the facts
until then; tests use the same functions as ground truth. The clock stands still and moves only on
request, so a run can be repeated::

    python -m include.sandbox --port 9000
    curl -H 'Authorization: Bearer sandbox-token' localhost:9000/api/0/organizations/
    curl -X POST -d '{"advance_seconds": 3600}' localhost:9000/sandbox/clock

What a healthy Sentry rarely shows is switched on: older servers, narrowed access, renames, faults,
drift, late counts (`behaviours` has every switch, `faults` what can go wrong)::

    python -m include.sandbox --behaviours '{"retention_days": 30, "drift": true}'
    curl -X PATCH -d '{"hidden_projects": ["4507310045004753"]}' localhost:9000/sandbox/behaviours

A connector is installed by OAuth: the consent page is at `/oauth/authorize/`, codes and refresh
tokens are exchanged at `POST /oauth/token/`. `POST /sandbox/tokens` expires or revokes tokens,
`POST /sandbox/application` changes the OAuth application, such as its secret.

In tests::

    with running(generate(seed=1, now=DEFAULT_NOW, issues=300)) as sandbox:
        httpx.get(f"{sandbox.base_url}/api/0/organizations/", headers={...})
        with sandbox.behaviours.during(faults=[{"kind": "server_error", "probability": 0.1}]):
            ...
        sandbox.tokens.revoke()
        assert sandbox.requests.queries("issues") == [...]

Fields that must never be collected are filled with canaries (`canaries.CANARY` is in all of
them); ids of people have eight digits that occur nowhere else.

Facts: getsentry/sentry (the module is named where a rule comes from), Sentry's published OpenAPI
description, and answers of a running Sentry 24.9.
"""
