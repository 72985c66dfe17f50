"""What the bench server answers: the endpoints that a load reads, and its own switches."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote

import numpy as np

from tests.bench import bodies
from tests.bench.organization import (
    DAY,
    FIRST_ID,
    FIRST_PROJECT,
    HOUR,
    RETENTION,
    START,
    Kind,
    Organization,
)

API = "/api/0/organizations/"
PAGE = 100
HITS_BIAS = 0.96
"""What Sentry's sample makes of the true number of hits."""

Query = dict[str, list[str]]


class Answer(NamedTuple):
    """A response: status, further header lines, body."""

    body: bytes
    headers: bytes = b""
    status: bytes = b"200 OK"


NOT_FOUND = Answer(b'{"detail":"The requested resource does not exist"}', status=b"404 Not Found")


class Answers:
    """Answers to request targets about one organization.

    Args:
        org: The organization.
        base_url: Where the server is.
    """

    def __init__(self, org: Organization, base_url: str) -> None:
        self.org = org
        self._base_url = base_url
        self._lists: dict[str, Callable[[str, Query], Answer]] = {
            "": self._organization,
            "projects/": self._projects,
            "environments/": self._environments,
            "releases/": self._releases,
            "issues/": self._issues,
            "stats_v2/": self._stats,
            "events/": self._events,
            "issues-timeseries/": self._timeseries,
        }
        self._found = lru_cache(64)(self._find)
        self._counted = lru_cache(8)(self._count)
        self._hourly = lru_cache(256)(self._hours)

    def forget(self) -> None:
        """Forget what was computed: something happened."""
        for cached in (self._found, self._counted, self._hourly):
            cached.cache_clear()

    def answer(self, target: str) -> Answer:
        """Return the answer to a request target."""
        path, _, query = target.partition("?")
        if not path.startswith(API):
            return NOT_FOUND
        if path == API:
            return _listed([bodies.organization(self._base_url)], target, {})
        below = path[len(API) :].partition("/")[2]
        asked = parse_qs(query, keep_blank_values=True)
        if below in self._lists:
            return self._lists[below](target, asked)
        return self._detail(below.split("/"))

    def _detail(self, parts: list[str]) -> Answer:
        """Return an issue, its activities, or the deploys of a release."""
        family, name, *rest = parts
        if family == "releases" and rest == ["deploys", ""]:
            number = int(unquote(name).split(".")[1])
            return _json([bodies.deploy(self.org, number)])
        if family != "issues" or not name.isdigit():
            return NOT_FOUND
        place = int(name) - FIRST_ID
        if not self._is_there(place):
            return NOT_FOUND
        if rest == ["activities", ""]:
            return Answer(bodies.activities(self.org, place))
        return Answer(bodies.issue(self.org, place, frozenset(), has_stats=True))

    def _is_there(self, place: int) -> bool:
        return 0 <= place < self.org.size.issues and self.org.kind[place] != Kind.DELETED

    def _organization(self, _target: str, _asked: Query) -> Answer:
        return _json(bodies.organization(self._base_url))

    def _projects(self, target: str, asked: Query) -> Answer:
        rows = [bodies.project(place) for place in range(self.org.size.projects)]
        return _listed(rows, target, asked)

    def _environments(self, _target: str, _asked: Query) -> Answer:
        return _json([{"id": "1", "name": "production"}, {"id": "2", "name": "staging"}])

    def _releases(self, target: str, asked: Query) -> Answer:
        numbers = range(self.org.size.releases - 1, -1, -1)
        status, project = _one(asked, "status", "open"), self._project(asked)
        rows = [
            bodies.release(self.org, number)
            for number in numbers
            if (number % 5 == 0) == (status == "archived")
            and project in {None, number % self.org.size.projects}
        ]
        return _listed(rows, target, asked)

    def _issues(self, target: str, asked: Query) -> Answer:
        """Return issues by id, or a page of a search over events in a window, newest first."""
        collapse = frozenset(asked.get("collapse", ()))
        has_stats = bool(_one(asked, "groupStatsPeriod", "24h"))
        if "group" in asked:
            ids = {int(one) - FIRST_ID for one in asked["group"]}
            places = [one for one in ids if self._is_there(one)]
            return self._listed_issues(places, collapse, has_stats=has_stats)
        start, end = _window(asked, self.org.now)
        born = tuple(_born(term) for term in _one(asked, "query", "").split())
        found = self._found(start, end, self._project(asked), born)
        size = min(int(_one(asked, "limit", "100")), PAGE)
        low = _offset(asked)
        page = found[low : low + size].tolist()
        hits = len(found) if len(found) <= size else max(size, round(len(found) * HITS_BIAS))
        link = _link(target, low, size, has_next=low + size < len(found))
        headers = link + b"X-Hits: %d\r\nX-Max-Hits: 1000\r\n" % hits
        return self._listed_issues(page, collapse, headers, has_stats=has_stats)

    def _listed_issues(
        self,
        places: list[int],
        collapse: frozenset[str],
        headers: bytes = b"",
        *,
        has_stats: bool,
    ) -> Answer:
        made = [bodies.issue(self.org, one, collapse, has_stats=has_stats) for one in places]
        return Answer(b"[%b]" % b",".join(made), headers)

    def _find(
        self, start: int, end: int, project: int | None, born: tuple[tuple[str, int], ...]
    ) -> np.ndarray:
        found = self.org.found(start, end, project)
        for sign, bound in born:
            first = self.org.first[found]
            found = found[first >= bound if sign == ">=" else first < bound]
        return found

    def _project(self, asked: Query) -> int | None:
        name = _one(asked, "project", "-1")
        return None if name == "-1" else int(name) - FIRST_PROJECT

    def _stats(self, _target: str, asked: Query) -> Answer:
        """Return hourly counts: a tenth as many filtered ones beside those accepted."""
        start, end = _window(asked, self.org.now)
        start, end = start // HOUR * HOUR, (end // HOUR + 1) * HOUR
        intervals = [bodies.iso(hour).decode() for hour in range(start, end, HOUR)]
        hours = self._hourly(self._project(asked))
        offset = (START - RETENTION - DAY) // HOUR
        places = np.arange(start // HOUR, end // HOUR) - offset
        inside = (places >= 0) & (places < len(hours))
        accepted = np.where(inside, hours[np.clip(places, 0, len(hours) - 1)], 0)
        groups = []
        for outcome, counts in (("accepted", accepted), ("filtered", accepted // 10)):
            if total := int(counts.sum()):
                series = {"sum(quantity)": counts.tolist()}
                by = {"outcome": outcome}
                groups.append({"by": by, "totals": {"sum(quantity)": total}, "series": series})
        return _json({"start": intervals[0], "end": "", "intervals": intervals, "groups": groups})

    def _hours(self, project: int | None) -> np.ndarray:
        org, first = self.org, (START - RETENTION - DAY) // HOUR
        length = org.now // HOUR - first + 1
        if not org.size.bursts:
            return np.zeros(length, np.int64)
        mine = slice(None) if project is None else org.project[org.event_issue] == project
        hours = org.event_at[mine] // HOUR - first
        return np.bincount(hours, org.event_count[mine], minlength=length).astype(np.int64)

    def _events(self, target: str, asked: Query) -> Answer:
        """Return events by issue, project and release, in this order."""
        start, end = _window(asked, self.org.now)
        rows = self._counted(start, end, self._project(asked))
        size, low = int(_one(asked, "per_page", "100")), _offset(asked)
        fields = {"issue.id": "integer", "project.id": "integer", "release": "string"}
        meta = {"fields": fields | {"count()": "integer"}, "dataset": "errors", "units": {}}
        body = b'{"data":[%b],"meta":%b}' % (
            b",".join(rows[low : low + size]),
            json.dumps(meta).encode(),
        )
        return Answer(body, _link(target, low, size, has_next=low + size < len(rows)))

    def _count(self, start: int, end: int, project: int | None) -> list[bytes]:
        org = self.org
        if not org.size.bursts:
            return []
        chosen = org.events(start, end)
        owners, versions = org.event_issue[chosen], org.event_version[chosen]
        counts = org.event_count[chosen]
        kept = org.kind[owners] != Kind.DELETED
        if project is not None:
            kept &= org.project[owners] == project
        keys, inverse = np.unique(owners[kept] * 1_000 + versions[kept], return_inverse=True)
        totals = np.bincount(inverse, counts[kept], minlength=len(keys)).astype(np.int64)
        return [
            b'{"issue.id":%d,"project.id":%d,"release":"%b","count()":%d}'
            % (
                key // 1_000 + FIRST_ID,
                org.project[key // 1_000] + FIRST_PROJECT,
                bodies.version(key % 1_000).encode(),
                total,
            )
            for key, total in zip(keys.tolist(), totals.tolist(), strict=True)
        ]

    def _timeseries(self, _target: str, asked: Query) -> Answer:
        """Return issues by day: first seen, and resolved."""
        start, end = _window(asked, self.org.now)
        edges = np.arange(start // DAY * DAY, end + DAY, DAY)
        project, org = self._project(asked), self.org
        mine = org.kind != Kind.DELETED
        if project is not None:
            mine &= org.project == project
        moments = {
            "count(new_issues)": org.first[mine],
            "count(resolved_issues)": org.at[mine & (org.kind == Kind.RESOLVED)],
        }
        series = []
        for axis in asked["yAxis"]:
            counts = np.histogram(moments[axis], edges)[0].tolist()
            values = [
                {"timestamp": int(day) * 1000, "value": count, "incomplete": False}
                for day, count in zip(edges[:-1], counts, strict=True)
            ]
            series.append({"yAxis": axis, "groupBy": [], "values": values, "meta": {}})
        return _json({"timeSeries": series, "meta": {"dataset": "issues"}})


def _json(body: object) -> Answer:
    return Answer(json.dumps(body, separators=(",", ":")).encode())


def _listed(rows: list[dict[str, object]], target: str, asked: Query) -> Answer:
    size, low = int(_one(asked, "per_page", "100")), _offset(asked)
    link = _link(target, low, size, has_next=low + size < len(rows))
    return Answer(_json(rows[low : low + size]).body, link)


def _one(asked: Query, name: str, default: str) -> str:
    return asked.get(name, [default])[0]


def _offset(asked: Query) -> int:
    return int(_one(asked, "cursor", "0:0:0").split(":")[1])


def _link(target: str, low: int, size: int, *, has_next: bool) -> bytes:
    """Return the Link header: both directions are always there, only `results` tells."""
    path, _, query = target.partition("?")
    kept = "&".join(one for one in query.split("&") if one and not one.startswith("cursor="))
    parts = [
        f'<http://bench{path}?{kept}&cursor={quote(cursor)}>; rel="{rel}"; '
        f'results="{str(found).lower()}"; cursor="{cursor}"'
        for rel, cursor, found in (
            ("previous", f"0:{max(low - size, 0)}:1", low > 0),
            ("next", f"0:{low + size}:0", has_next),
        )
    ]
    return b"Link: %b\r\n" % ", ".join(parts).encode()


def _window(asked: Query, now: int) -> tuple[int, int]:
    """Return `start` and `end`, cut to the retention, which is the default, too."""
    oldest = now - RETENTION
    start = _seconds(_one(asked, "start", "")) if "start" in asked else oldest
    end = _seconds(_one(asked, "end", "")) if "end" in asked else now
    return max(start, oldest), end


def _born(term: str) -> tuple[str, int]:
    """Return sign and bound of a term of the search query; no other terms are known."""
    name, _, rest = term.partition(":")
    sign = ">=" if rest.startswith(">=") else "<"
    if name != "firstSeen" or not rest.startswith(sign):
        raise ValueError(f"the bench server does not know {term}")
    return sign, _seconds(rest.removeprefix(sign))


def _seconds(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
