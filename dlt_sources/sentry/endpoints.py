"""The only requests that may be made: path, parameters and scope of each.

Our scopes can also read DSNs, raw events, replays and members. So the client cannot be given a
path, only one of these endpoints; every other one is out of its reach.
"""

from dataclasses import dataclass
from urllib.parse import quote


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A readable endpoint of Sentry's API.

    Attributes:
        path: Path below `/api/0/`, with placeholders; Sentry wants the trailing slash.
        params: Names of the query parameters that may be sent.
        scope: The OAuth scope Sentry asks for (`scope_map` in `api/bases/*.py`).
    """

    path: str
    params: frozenset[str]
    scope: str

    def url_path(self, **places: str) -> str:
        """Return the path with each placeholder filled in, fully percent-encoded.

        Raises:
            ValueError: A value would make the path another one. No name at Sentry is such a value.
        """
        used = [value for name, value in places.items() if f"{{{name}}}" in self.path]
        if not {"", ".", ".."}.isdisjoint(used):
            raise ValueError(f"A placeholder of {self.path} is empty or leads to another path.")
        return "/api/0/" + self.path.format_map({k: quote(v, safe="") for k, v in places.items()})


_ORGANIZATION = "organizations/{organization}/"
_WINDOW = frozenset({"project", "start", "end"})
_PAGE = frozenset({"per_page", "cursor"})

ORGANIZATIONS = Endpoint("organizations/", _PAGE, "org:read")  # while one is being connected
ORGANIZATION = Endpoint(_ORGANIZATION, frozenset({"detailed"}), "org:read")
PROJECTS = Endpoint(_ORGANIZATION + "projects/", _PAGE, "org:read")
ENVIRONMENTS = Endpoint(
    _ORGANIZATION + "environments/", frozenset({"visibility", "project"}), "org:read"
)
RELEASES = Endpoint(
    _ORGANIZATION + "releases/", _PAGE | {"project", "status"}, "project:read"
)  # never `health`: it adds session data
DEPLOYS = Endpoint(_ORGANIZATION + "releases/{version}/deploys/", _PAGE, "project:read")
ISSUES = Endpoint(
    _ORGANIZATION + "issues/",
    _WINDOW | {"query", "sort", "limit", "cursor", "group", "collapse", "groupStatsPeriod"},
    "event:read",
)
ISSUE = Endpoint(_ORGANIZATION + "issues/{issue}/", frozenset({"collapse"}), "event:read")
ISSUE_ACTIVITIES = Endpoint(_ORGANIZATION + "issues/{issue}/activities/", frozenset(), "event:read")
OUTCOMES = Endpoint(
    _ORGANIZATION + "stats_v2/",
    _WINDOW | {"field", "groupBy", "category", "interval"},
    "org:read",
)
EVENT_COUNTS = Endpoint(
    _ORGANIZATION + "events/", _WINDOW | _PAGE | {"dataset", "field", "sort"}, "org:read"
)
ISSUE_COUNTS = Endpoint(
    _ORGANIZATION + "issues-timeseries/", _WINDOW | {"yAxis", "interval", "category"}, "org:read"
)  # not on every server
