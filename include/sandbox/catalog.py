"""Who and what the stand-in organization consists of: people, teams, projects, environments."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from include.sandbox.habits import USUAL, Habits
from include.sandbox.organization import Environment, Person, Project, Team

if TYPE_CHECKING:
    from datetime import datetime

ORGANIZATION_ID = "4507310012349440"
ORGANIZATION_SLUG = "lumen-goods"

WEB, BACKEND, PAYMENTS, MOBILE = "88300117", "88300128", "88300139", "88300141"

TEAMS = (
    Team(WEB, "web"),
    Team(BACKEND, "backend"),
    Team(PAYMENTS, "payments"),
    Team(MOBILE, "mobile"),
)

PEOPLE = (
    Person("73900017", "ada", (PAYMENTS, BACKEND)),
    Person("73900028", "bela", (WEB,)),
    Person("73900039", "chidi", (WEB,)),
    Person("73900041", "dana", (WEB, MOBILE)),
    Person("73900052", "emre", (BACKEND,)),
    Person("73900063", "freya", (BACKEND,)),
    Person("73900074", "goran", (BACKEND, PAYMENTS)),
    Person("73900085", "hana", (PAYMENTS,)),
    Person("73900096", "ines", (PAYMENTS,)),
    Person("73900107", "jonas", (MOBILE,)),
    Person("73900118", "kaia", (MOBILE,)),
    Person("73900129", "luis", (BACKEND,)),
    Person("73900131", "mira", (WEB, BACKEND)),
    Person("73900142", "noor", (WEB,)),
)

ENVIRONMENTS = (
    Environment("4410001", "production"),
    Environment("4410002", "staging"),
    Environment("4410003", "qa"),
    Environment("4410004", "load test", is_hidden=True),
)


@dataclass(frozen=True, slots=True)
class ProjectPlan:
    """A project and what makes it different from the others.

    Attributes:
        project: The project itself.
        short_prefix: First part of its issues' short ids.
        share: Share of the organization's issues, by weight.
        noise: Factor on the events of a batch.
        resolution_days: Median time to a resolution.
        resolve_rate: How likely an open spell ends with a resolution.
        regression_rate: How likely a resolution does not hold.
        overload: Share of the assignments that one person gets.
        habits: How its people work.
    """

    project: Project
    short_prefix: str
    share: float
    noise: float
    resolution_days: float
    resolve_rate: float
    regression_rate: float
    overload: float = 0.0
    habits: Habits = USUAL


def plans(created_at: datetime) -> tuple[ProjectPlan, ...]:
    """Return the projects; `legacy-admin` is not the installing user's, `design-system` is quiet.

    Args:
        created_at: When the projects were created.
    """

    def project(
        number: int, slug: str, platform: str, teams: tuple[str, ...], age_hours: int | None = None
    ) -> Project:
        is_member = slug != "legacy-admin"
        project_id = str(4507310045000000 + number)
        return Project(project_id, slug, platform, teams, created_at, is_member, age_hours)

    web = project(1729, "shop-web", "javascript-react", (WEB,))
    api = project(2737, "shop-api", "python-django", (BACKEND,))
    worker = project(3745, "shop-worker", "python-celery", (BACKEND,))
    billing = project(4753, "billing", "java-spring-boot", (PAYMENTS,))
    android = project(5761, "android-app", "android", (MOBILE,))
    search = project(6769, "search", "go", (BACKEND,))
    jobs = project(7777, "data-jobs", "python", (BACKEND, PAYMENTS), 30 * 24)
    legacy = project(8785, "legacy-admin", "php-laravel", (PAYMENTS,))
    design = project(9793, "design-system", "node", (WEB,))
    return (
        ProjectPlan(web, "SHOP-WEB", 0.30, 1.6, 2.5, 0.48, 0.22),
        ProjectPlan(api, "SHOP-API", 0.20, 1.0, 4.0, 0.52, 0.14),
        ProjectPlan(worker, "SHOP-WORKER", 0.09, 0.8, 6.0, 0.45, 0.12),
        ProjectPlan(billing, "BILLING", 0.13, 0.5, 12.0, 0.50, 0.10, overload=0.72),
        ProjectPlan(android, "ANDROID-APP", 0.11, 1.4, 15.0, 0.38, 0.18),
        ProjectPlan(search, "SEARCH", 0.06, 0.7, 1.2, 0.62, 0.08),
        ProjectPlan(jobs, "DATA-JOBS", 0.07, 0.4, 9.0, 0.25, 0.10),
        ProjectPlan(legacy, "LEGACY-ADMIN", 0.04, 0.6, 38.0, 0.15, 0.05),
        ProjectPlan(design, "DESIGN-SYSTEM", 0.0, 0.0, 1.0, 0.0, 0.0),
    )
