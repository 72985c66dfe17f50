"""Release trains: which versions each project ships, when, and where they are deployed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from include.sandbox.dice import Dice
from include.sandbox.organization import Deploy, Release
from include.sandbox.pacing import DAY_S, HOUR_S, at_work

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from include.sandbox.organization import Project

HOTFIX_SHARE = 0.13
ARCHIVED_SHARE = 0.07
UNRELEASED_SHARE = 0.10
PROMOTIONS: tuple[tuple[tuple[str, ...], float], ...] = (
    ((), 0.12),
    (("staging",), 0.10),
    (("staging", "production"), 0.58),
    (("qa", "staging", "production"), 0.12),
    (("qa", "staging", "production", "production"), 0.08),
)


@dataclass(frozen=True, slots=True)
class Train:
    """How a package is released.

    `slugs` names the projects; the second ships only with every other release. `scheme` is one
    of semver, build, android, sha. A hotfix follows a release with a chance of `hotfix_share`, and
    that one again, up to `chain` in a row.
    """

    package: str
    scheme: str
    slugs: tuple[str, ...]
    period_days: float
    major: int
    minor: int
    hotfix_share: float = HOTFIX_SHARE
    chain: int = 1


TRAINS = (
    Train("shop-web", "semver", ("shop-web",), 3.5, 4, 2),
    Train("shop-backend", "semver", ("shop-api", "shop-worker"), 7.0, 5, 10),
    Train("billing", "build", ("billing",), 7.0, 2, 1),
    Train("com.example.app", "android", ("android-app",), 14.0, 3, 4),
    Train("search", "sha", ("search",), 4.0, 0, 0),
    Train("legacy-admin", "semver", ("legacy-admin",), 75.0, 1, 7),
    Train("@lumen/design-system", "semver", ("design-system",), 30.0, 0, 30),
)


def releases(
    seed: int,
    projects: Sequence[Project],
    start: datetime,
    end: datetime,
    trains: Sequence[Train] = TRAINS,
) -> tuple[Release, ...]:
    """Return every train's releases between two moments, oldest first, with rising ids."""
    ids = {project.slug: project.id for project in projects}
    drafts: list[tuple[float, str, tuple[str, ...]]] = []
    for number, train in enumerate(trains):
        dice = Dice(seed, 1, number)
        for count, (created, version) in enumerate(_departures(train, start, end, dice)):
            slugs = train.slugs if count % 2 == 0 else train.slugs[:1]
            drafts.append((created, version, tuple(ids[slug] for slug in slugs)))
    dice = Dice(seed, 2)
    return tuple(
        _release(1_100_000_000 + 37 * position, draft, dice)
        for position, draft in enumerate(sorted(drafts))
    )


def _departures(
    train: Train, start: datetime, end: datetime, dice: Dice
) -> Iterator[tuple[float, str]]:
    """Yield creation times (epoch seconds) and versions, hotfixes within 24 hours included."""
    moment = start.timestamp() + dice.between(0, train.period_days) * DAY_S
    minor, build = train.minor, 600
    while (created := at_work(moment, dice)) < end.timestamp():
        minor, build = minor + 1, build + dice.integer(1, 9)
        yield created, _version(train, minor, 0, build, dice)
        fixed = created
        for patch in range(1, train.chain + 1):
            if not dice.chance(train.hotfix_share):
                break
            fixed += dice.between(2, 20) * HOUR_S
            yield fixed, _version(train, minor, patch, build + patch, dice)
        moment += train.period_days * DAY_S * dice.between(0.75, 1.25)


def _version(train: Train, minor: int, patch: int, build: int, dice: Dice) -> str:
    number = f"{train.major}.{minor}.{patch}"
    if train.scheme == "sha":
        return "".join(f"{dice.integer(0, 0xFFFF):04x}" for _ in range(10))
    if train.scheme == "build":
        return f"{train.package}@{number}+build.{build}/rc"
    if train.scheme == "android":
        return f"{train.package}@{number}+{build}"
    return f"{train.package}@{number}"


def _release(release_id: int, draft: tuple[float, str, tuple[str, ...]], dice: Dice) -> Release:
    created_s, version, project_ids = draft
    created_at = _moment(created_s)
    released_at = None
    if not dice.chance(UNRELEASED_SHARE):
        released_at = created_at + timedelta(minutes=round(dice.lognormal(25, 1.0), 4))
    archived_at = None
    if dice.chance(ARCHIVED_SHARE):
        archived_at = created_at + timedelta(days=round(dice.between(20, 60), 6))
    deploys = tuple(_deploys(release_id, created_at, dice))
    commits = dice.integer(1, 60)
    return Release(
        release_id, version, project_ids, created_at, released_at, archived_at, commits, deploys
    )


def _deploys(release_id: int, created_at: datetime, dice: Dice) -> Iterator[Deploy]:
    finished = created_at
    for step, environment in enumerate(dice.weighted(PROMOTIONS)):
        wait_h = dice.between(2, 30) if environment == "production" else dice.between(0.3, 2)
        finished += timedelta(seconds=round(wait_h * HOUR_S))
        took = timedelta(seconds=dice.integer(90, 1500))
        started = None if dice.chance(0.2) else finished - took
        yield Deploy(str(release_id * 10 + step), environment, started, finished)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(round(seconds, 3), tz=UTC)
