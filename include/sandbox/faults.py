"""Which requests go wrong, and how: rules by chance or by count, the same ones every time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from include.sandbox.canaries import url
from include.sandbox.dice import Dice
from include.sandbox.request_log import OAUTH_ROUTES

if TYPE_CHECKING:
    from collections.abc import Sequence

FaultKind = Literal[
    "none",
    "rate_limited",
    "rate_limited_with_retry_after",
    "concurrency",
    "query_timeout",
    "internal_error_400",
    "server_error",
    "html_200",
    "html_503",
    "brownout",
    "deprecated",
    "truncated_json",
    "dropped_connection",
    "lost_response",
    "gateway_timeout",
    "slow_drip",
    "redirect_elsewhere",
    "redirect_same_host",
    "oversized",
]
"""What can go wrong; `fault_answers` says how each looks.

- `none`: nothing; in a script it lets requests pass.
- `rate_limited`: 429, JSON sent as text/html, no Retry-After; Reset is a second after the
  sandbox's (frozen) clock. `rate_limited_with_retry_after`: a CDN has added Retry-After.
- `concurrency`: 429 for too many at once; ConcurrentRemaining is "0", every second time "None".
- `query_timeout`, `internal_error_400`: a 400 that is no mistake of the client's.
- `server_error`: 500, 502, 503, 504 in turn, with HTML. `html_200`, `html_503`: HTML for JSON.
- `brownout`: 410 of a deprecated endpoint. `deprecated`: the answer, with its warning headers.
- `truncated_json`: 200, the body cut in the middle and its Content-Length with it.
- `dropped_connection`: the connection is closed in the middle of the body; the request was done.
- `lost_response`: the connection is closed without a byte of an answer; the request was done.
- `gateway_timeout`: 504 with HTML, and yet the request was done.
- `slow_drip`: the body comes in small pieces over `seconds`.
- `redirect_elsewhere`: 302 to `location`. `redirect_same_host`: 302 within the host, which answers.
- `oversized`: a JSON array of `megabytes`, without a Content-Length.
"""


class Fault(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule: which requests go wrong and how.

    The first rule of a plan that applies decides. So a plan of rules with `times` is a script,
    one with `probability` is bad weather, and both can be mixed.

    Attributes:
        kind: What goes wrong.
        routes: Names as in the request log, `issues?group`, `oauth-authorize` and `oauth-token`
            among them. Empty means every route of the API; those of OAuth must be named.
        probability: How likely, for each request that the rule is about.
        times: How often at most; None for ever.
        skip: Requests that the rule lets pass first.
        seed: Names the rule's own chance.
        seconds: Of `slow_drip`, and the Retry-After of `rate_limited_with_retry_after`.
        megabytes: Of `oversized`.
        location: Of `redirect_elsewhere`.
    """

    kind: FaultKind
    routes: frozenset[str] = frozenset()
    probability: Annotated[float, Meta(gt=0, le=1)] = 1.0
    times: Annotated[int, Meta(ge=1)] | None = None
    skip: Annotated[int, Meta(ge=0)] = 0
    seed: Annotated[int, Meta(ge=0)] = 0
    seconds: Annotated[float, Meta(ge=0)] = 2.0
    megabytes: Annotated[int, Meta(ge=1)] = 32
    location: str = url("elsewhere", "login")

    def is_about(self, route: str) -> bool:
        """Return whether a request of this route can be hit."""
        return route in self.routes if self.routes else route not in OAUTH_ROUTES


class Hit(NamedTuple):
    """A fault that happens now, for the `number`th time (from 0)."""

    fault: Fault
    number: int


class _Rule:
    """A fault with its chance and how often it was asked and happened."""

    def __init__(self, fault: Fault, place: int) -> None:
        self.fault = fault
        self.dice = Dice(fault.seed, place)
        self.asked = 0
        self.happened = 0

    def applies(self, route: str) -> bool:
        """Decide about one request."""
        fault = self.fault
        is_used_up = fault.times is not None and self.happened >= fault.times
        if is_used_up or not fault.is_about(route):
            return False
        self.asked += 1
        if self.asked <= fault.skip:
            return False
        return fault.probability >= 1 or self.dice.chance(fault.probability)


class FaultPlan:
    """The rules in force; they start afresh when other ones are set."""

    def __init__(self) -> None:
        self._faults: Sequence[Fault] = ()
        self._rules: list[_Rule] = []

    def draw(self, faults: Sequence[Fault], route: str) -> Hit | None:
        """Return what goes wrong with the next request of a route, None if nothing does."""
        if faults is not self._faults:
            self._faults = faults
            self._rules = [_Rule(fault, place) for place, fault in enumerate(faults)]
        for rule in self._rules:
            if rule.applies(route):
                rule.happened += 1
                is_nothing = rule.fault.kind == "none"
                return None if is_nothing else Hit(rule.fault, rule.happened - 1)
        return None
