"""Bodies of the size and the shape of Sentry's, made of prebuilt bytes.

The shape is that of Sentry's API description and of recorded answers of a running Sentry; what must
never be collected is filled with text, as there.
"""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from functools import lru_cache

from tests.bench.organization import (
    DAY,
    FIRST_ID,
    FIRST_PROJECT,
    HOUR,
    START,
    VERSIONS,
    Kind,
    Organization,
)

MESSAGE = (
    "KeyError: 'customer_%d' while rendering the invoice of jane.doe%d@example.com: the response"
    " of the payment provider at https://pay.example.com/v2/charges had no field of that name and"
    " the retry with the same idempotency key failed, too"
)
USERS = 200
TEAMS = 12


@lru_cache(100_000)
def iso(seconds: int) -> bytes:
    """Return epoch seconds as Sentry writes them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").encode()


def _template(body: object) -> bytes:
    """Return a body as a bytes template; `@name@` in a text is a place."""
    text = json.dumps(body, separators=(",", ":")).replace("%", "%%")
    return re.sub(r"@(\w+)@", r"%(\1)b", text).encode()


def _user(number: int) -> dict[str, object]:
    address = f"jane.doe{number}@example.com"
    return {
        "id": str(81_000 + number),
        "name": f"Jane Doe {number}",
        "username": address,
        "email": address,
        "avatarUrl": f"https://gravatar.com/avatar/{number:064x}?s=32&d=mm",
        "isActive": True,
        "hasPasswordAuth": True,
        "isManaged": False,
        "dateJoined": "2024-11-23T11:19:40.641191Z",
        "lastLogin": "2026-09-23T11:43:06.433672Z",
        "has2fa": False,
        "lastActive": "2026-09-23T11:43:06.507166Z",
        "isSuperuser": False,
        "isStaff": False,
        "experiments": {},
        "emails": [{"id": "1", "email": address, "is_verified": True}],
        "options": {"theme": "light", "language": "en", "stacktraceOrder": -1, "timezone": "UTC"},
        "flags": {"newsletter_consent_prompt": False},
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None},
        "identities": [],
    }


_USERS = [json.dumps(_user(number)).encode() for number in range(USERS)]

_ISSUE = _template(
    {
        "id": "@id@",
        "shareId": "@hex@",
        "shortId": "SHOP-@short@",
        "title": "@message@",
        "culprit": "billing.invoices.tasks.render_invoice in _provider_response",
        "permalink": "https://lumen-goods.sentry.io/issues/@id@/",
        "logger": "billing.invoices",
        "level": "error",
        "isPublic": False,
        "platform": "python",
        "project": {
            "id": "@project@",
            "name": "Shop backend @project@",
            "slug": "shop-@project@",
            "platform": "python-django",
        },
        "type": "error",
        "issueType": "error",
        "issueCategory": "error",
        "metadata": {
            "value": "@message@",
            "type": "KeyError",
            "filename": "src/billing/invoices/tasks.py",
            "function": "_provider_response",
            "in_app_frame_mix": "mixed",
            "sdk": {"name": "sentry.python.django", "name_normalized": "sentry.python"},
            "initial_priority": 50,
            "severity": 0.3317,
            "severity_reason": "ml",
            "title": None,
        },
        "isBookmarked": False,
        "isSubscribed": True,
        "subscriptionDetails": {"reason": "assigned"},
        "hasSeen": False,
        "annotations": [
            {
                "displayName": "SHOP-1234 Invoices without the provider's field",
                "url": "https://tracker.example.com/browse/SHOP-1234",
            }
        ],
        "seerFixabilityScore": 0.61,
        "seerAutofixLastTriggered": None,
        "seerExplorerAutofixLastTriggered": None,
        "pluginActions": [],
        "pluginContexts": [],
        "pluginIssues": [],
        "integrationIssues": [],
        "sentryAppIssues": [],
        "owners": {
            "type": "suspectCommit",
            "owner": "user:@owner@",
            "date_added": "2026-09-03T09:41:11Z",
        },
        "inbox": {"reason": 0, "reason_details": None, "date_added": "2026-09-03T09:41:11Z"},
        "matchingEventId": None,
        "matchingEventEnvironment": None,
        "latestEventHasAttachments": False,
    }
)[:-1]

_UNHANDLED = b',"isUnhandled":true'
_COUNTERS = (
    b',"count":"%(count)d","userCount":%(users)d,"firstSeen":"%(first)b","lastSeen":"%(last)b",'
    b'"lifetime":{"count":"%(count)d","userCount":%(users)d,"firstSeen":"%(first)b",'
    b'"lastSeen":"%(last)b","stats":null}'
)
_HOURS = [START // HOUR * HOUR - back * HOUR for back in range(23, -1, -1)]
_SPARKLINE = b',"stats":{"24h":%b}' % json.dumps([[hour, hour % 97] for hour in _HOURS]).encode()
_FILTERED = b',"filtered":null'

_STATE = _template(
    {
        "status": "@status@",
        "statusDetails": {},
        "substatus": "@substatus@",
        "priority": "medium",
        "priorityLockedAt": "@locked@",
        "numComments": 0,
        "assignedTo": "@assignee@",
        "derivedData": {
            "blocker": "none",
            "progress": "identified",
            "status": "open",
            "viewCount": 3,
            "hasOpenFixPr": False,
            "isAssigned": False,
            "hasRootCause": False,
            "lastCompletedAutofixStep": None,
            "lastProgressedAt": "@progressed@",
        },
    }
)
for _nullable in (b"substatus", b"locked", b"assignee"):
    _STATE = _STATE.replace(b'"%%(%b)b"' % _nullable, b"%%(%b)b" % _nullable)
_STATE = b"," + _STATE[1:-1]


def issue(org: Organization, place: int, collapse: frozenset[str], *, has_stats: bool) -> bytes:
    """Return an issue as in lists, without the parts that a request collapses."""
    parts = _parts(collapse, has_stats=has_stats)
    number = place + FIRST_ID
    first = int(org.first[place])
    text = (MESSAGE % (number, number)).encode()
    count = int(org.count[place])
    return parts % (
        {
            b"id": b"%d" % number,
            b"hex": b"%032x" % (number * 2_654_435_761),
            b"short": b"%X" % number,
            b"message": text,
            b"project": b"%d" % (int(org.project[place]) + FIRST_PROJECT),
            b"owner": b"%d" % (81_000 + number % USERS),
            b"count": count,
            b"users": (count * 3 + 4) // 5,
            b"first": iso(first),
            b"last": iso(int(org.last[place])),
        }
        | _state(org, place, first)
    )


@lru_cache
def _parts(collapse: frozenset[str], *, has_stats: bool) -> bytes:
    """Return the template of an issue with the wanted parts only (`collapse=stats` takes most)."""
    found = _ISSUE + _STATE
    if "unhandled" not in collapse:
        found += _UNHANDLED
    if "stats" not in collapse:
        found += b"" if "lifetime" in collapse else _COUNTERS
        found += b"" if "filtered" in collapse else _FILTERED
        found += _SPARKLINE.replace(b"%", b"%%") if has_stats else b""
    return found + b"}"


def _state(org: Organization, place: int, first: int) -> dict[bytes, bytes]:
    kind = Kind(int(org.kind[place]))
    at = iso(int(org.at[place]))
    status = {Kind.RESOLVED: b"resolved", Kind.IGNORED: b"ignored"}.get(kind, b"unresolved")
    is_young = first > org.now - 7 * DAY
    substatus = {
        Kind.RESOLVED: b"null",
        Kind.IGNORED: b'"archived_until_escalating"',
        Kind.REGRESSED: b'"regressed"',
    }.get(kind, b'"new"' if is_young else b'"ongoing"')
    return {
        b"status": status,
        b"substatus": substatus,
        b"locked": b'"%b"' % at if kind is Kind.PRIORITY else b"null",
        b"assignee": _assignee(place) if kind is Kind.ASSIGNED else b"null",
        b"progressed": iso(first) if kind is Kind.UNTOUCHED else at,
    }


def _assignee(place: int) -> bytes:
    number = place % USERS
    return b'{"type":"user","id":"%d","name":"Jane Doe %d","email":"jane.doe%d@example.com"}' % (
        81_000 + number,
        number,
        number,
    )


_ACTIVITY = b'{"id":"%d","user":%b,"sentry_app":null,"type":"%b","data":%b,"dateCreated":"%b"}'


def activities(org: Organization, place: int) -> bytes:
    """Return an issue's activities, newest first; an issue's past is made of its number."""
    first, at = int(org.first[place]), int(org.at[place])
    kind = Kind(int(org.kind[place]))
    items = []
    if kind is not Kind.UNTOUCHED:
        steps = [_LATEST[kind], *_EARLIER[kind]]
        for back, (name, data) in enumerate(steps):
            when = first + (at - first) * (len(steps) - back) // len(steps)
            user = _USERS[(place + back) % USERS]
            items.append(_ACTIVITY % (place * 10 + 9 - back, user, name, data(place), iso(when)))
    priority = b'{"priority":"medium"}'
    items.append(_ACTIVITY % (0, b"null", b"first_seen", priority, iso(first)))
    return b'{"activity":[%b]}' % b",".join(items)


def _nothing(_place: int) -> bytes:
    return b"{}"


def _to_whom(place: int) -> bytes:
    number = place % USERS
    return (
        b'{"assignee":"%d","assigneeEmail":"jane.doe%d@example.com","assigneeName":"Jane Doe %d",'
        b'"assigneeType":"user"}' % (81_000 + number, number, number)
    )


def _release(place: int) -> bytes:
    return b'{"version":"%b","event_id":"%032x"}' % (version(place % VERSIONS).encode(), place)


def _forever(_place: int) -> bytes:
    return b'{"ignoreUntilEscalating":true}'


def _priority(_place: int) -> bytes:
    return b'{"priority":"high","reason":"escalating"}'


_LATEST = {
    Kind.RESOLVED: (b"set_resolved", _nothing),
    Kind.ASSIGNED: (b"assigned", _to_whom),
    Kind.IGNORED: (b"set_ignored", _forever),
    Kind.REGRESSED: (b"set_regression", _release),
    Kind.PRIORITY: (b"set_priority", _priority),
    Kind.DELETED: (b"set_resolved", _nothing),
}
_EARLIER = {
    Kind.RESOLVED: [(b"assigned", _to_whom), (b"auto_set_ongoing", _nothing)],
    Kind.ASSIGNED: [(b"mark_reviewed", _nothing)],
    Kind.IGNORED: [],
    Kind.REGRESSED: [(b"set_resolved", _nothing), (b"assigned", _to_whom)],
    Kind.PRIORITY: [],
    Kind.DELETED: [],
}
"""What happened before the latest; newest first."""


def version(number: int) -> str:
    """Return a release's version."""
    return f"shop-backend@2.{number}.0"


def organization(base_url: str) -> dict[str, object]:
    """Return the organization."""
    return {
        "id": "77",
        "slug": "lumen-goods",
        "name": "Lumen Goods",
        "status": {"id": "active", "name": "active"},
        "dateCreated": "2021-02-03T04:05:06Z",
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None, "avatarUrl": None},
        "links": {"organizationUrl": base_url, "regionUrl": base_url},
        "features": ["discover-basic", "global-views"],
        "access": ["event:read", "org:read", "project:read"],
    }


def project(place: int) -> dict[str, object]:
    """Return a project as in the list of them."""
    number = place + FIRST_PROJECT
    team = {"id": str(place % TEAMS), "slug": f"team-{place % TEAMS}", "name": "A team"}
    return {
        "id": str(number),
        "slug": f"shop-{number}",
        "name": f"Shop backend {number}",
        "platform": "python-django",
        "dateCreated": "2021-02-04T04:05:06Z",
        "firstEvent": "2021-02-05T04:05:06Z",
        "isMember": True,
        "hasAccess": True,
        "isBookmarked": False,
        "access": ["event:read", "project:read"],
        "features": ["releases", "alert-filters", "minidump", "race-free-group-creation"],
        "team": team,
        "teams": [team],
        "environments": ["production", "staging"],
        "latestRelease": {"version": version(VERSIONS - 1)},
        "latestDeploys": {"production": {"version": version(1), "dateFinished": "2026-09-01Z"}},
    }


def release(org: Organization, number: int) -> dict[str, object]:
    """Return a release; each project has its share of them."""
    place = number % org.size.projects
    created = _created(org, number)
    name = version(number)
    author = {"name": "Jane Doe", "email": "jane.doe@example.com"}
    return {
        "id": 90_000 + number,
        "version": name,
        "shortVersion": f"2.{number}.0",
        "status": "archived" if number % 5 == 0 else "open",
        "versionInfo": {
            "package": "shop-backend",
            "version": {"raw": f"2.{number}.0", "major": 2, "minor": number, "patch": 0},
            "description": f"2.{number}.0",
            "buildHash": None,
        },
        "ref": f"{number:040x}",
        "url": f"https://git.example.com/shop/{number}",
        "dateCreated": iso(created).decode(),
        "dateReleased": iso(created + HOUR).decode(),
        "dateStarted": None,
        "data": {},
        "newGroups": 3,
        "owner": None,
        "commitCount": 7,
        "lastCommit": {"id": f"{number:040x}", "message": "Mend what was broken", "author": author},
        "deployCount": 1,
        "lastDeploy": deploy(org, number),
        "authors": [author],
        "projects": [
            {
                "id": place + FIRST_PROJECT,
                "slug": f"shop-{place + FIRST_PROJECT}",
                "name": "Shop backend",
                "newGroups": 3,
                "platform": "python-django",
                "platforms": ["python"],
                "hasHealthData": False,
            }
        ],
        "firstEvent": iso(created + 2 * HOUR).decode(),
        "lastEvent": iso(created + 20 * DAY).decode(),
    }


RELEASE_EVERY = 12 * HOUR
"""Seconds between two releases of the organization."""


def _created(org: Organization, number: int) -> int:
    return START - RELEASE_EVERY * (org.size.releases - number)


def deploy(org: Organization, number: int) -> dict[str, object]:
    """Return the deploy of a release."""
    created = _created(org, number)
    return {
        "id": str(70_000 + number),
        "environment": "production",
        "dateStarted": iso(created).decode(),
        "dateFinished": iso(created + HOUR).decode(),
        "name": "deploy of the day",
        "url": f"https://ci.example.com/{number}",
    }
