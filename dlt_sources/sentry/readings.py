"""Every request that is made of Sentry, what is read of the answer and what for.

With the allowlist this makes `docs/data-collected.md`.
"""

from dataclasses import dataclass

from msgspec import Struct

from dlt_sources.sentry import allowlist, endpoints
from dlt_sources.sentry.endpoints import Endpoint


@dataclass(frozen=True, slots=True)
class Reading:
    """A request that is made.

    Attributes:
        endpoint: Where to.
        answer: What is read of the answer.
        purpose: What for.
        passed_over: What else the answer holds that could tell about people or code. It is skipped
            while the answer is parsed, as everything is that the answer's Struct does not declare.
    """

    endpoint: Endpoint
    answer: type[Struct]
    purpose: str
    passed_over: str


READINGS = (
    Reading(
        endpoints.ORGANIZATIONS,
        allowlist.Organization,
        "To know, while an organization is being connected, which ones the consent opens. Never"
        " made by a load.",
        "name, avatar, features, access, onboardingTasks, every setting",
    ),
    Reading(
        endpoints.ORGANIZATION,
        allowlist.Organization,
        "To know that the connection works and which organization it is.",
        "name, avatar, features, access, onboardingTasks, every setting",
    ),
    Reading(
        endpoints.PROJECTS,
        allowlist.Project,
        "To know which projects there are and which of them are out of reach.",
        "name, team, teams, options, features, access, latestRelease",
    ),
    Reading(
        endpoints.ENVIRONMENTS,
        allowlist.Environment,
        "To tell deploys to production from others.",
        "nothing; there is no more",
    ),
    Reading(
        endpoints.RELEASES,
        allowlist.Release,
        "To measure how stable releases are and how often they come.",
        "authors, owner, lastCommit, ref, url, data, userAgent, lastDeploy.name, lastDeploy.url,"
        " projects.name, projects.slug, versionInfo.description",
    ),
    Reading(
        endpoints.DEPLOYS,
        allowlist.Deploy,
        "To know when a release was running where.",
        "name, url",
    ),
    Reading(
        endpoints.ISSUES,
        allowlist.Issue,
        "To know which issues there are, their state and what of it changed.",
        "title, culprit, metadata, type, permalink, logger, annotations, userCount,"
        " assignedTo.name, assignedTo.email, statusDetails.actor, statusDetails.inCommit,"
        " project.name, stats, owners, inbox, subscriptionDetails, shareId, seerFixabilityScore",
    ),
    Reading(
        endpoints.ISSUE,
        allowlist.IssueIdentity,
        "To know where an issue that is gone has gone: merged, deleted or out of reach. Never made"
        " for an issue that is there.",
        "title, culprit, metadata, activity, seenBy, participants, tags, firstRelease, lastRelease,"
        " stats, and all that is passed over in the list of issues",
    ),
    Reading(
        endpoints.ISSUE_ACTIVITIES,
        allowlist.ActivityFeed,
        "To know when an issue was resolved, assigned, archived or reopened.",
        "user.name, user.email, user.avatar, sentry_app, and of data everything but the fields"
        " below: comments, commits, pull requests, titles, texts of rules, texts of Seer",
    ),
    Reading(
        endpoints.OUTCOMES,
        allowlist.OutcomeStats,
        "To count errors by hour and by what became of them.",
        "reason, totals",
    ),
    Reading(
        endpoints.EVENT_COUNTS,
        allowlist.IssueReleaseCounts,
        "To know which release the events of an issue came from. Only aggregates are asked for,"
        " never a row of an event.",
        "meta",
    ),
    Reading(
        endpoints.ISSUE_COUNTS,
        allowlist.IssueTimeSeries,
        "To find out whether anything was missed: Sentry's own counts are compared with ours.",
        "meta",
    ),
)
"""Every request that is made. A test compares them with endpoints.py."""

NOT_ASKED = {
    "project-keys": "DSNs and keys, which allow sending events",
    "keys": "the same by project",
    "issues/{issue}/events": "events: messages, stack traces, source code, users, IP addresses",
    "eventids": "the same by id of an event",
    "replays": "recordings of users' screens",
    "attachments": "files sent with events",
    "tags": "values of tags, which name users and servers",
    "user-feedback": "what users wrote, with name and e-mail",
    "commits": "messages, authors and e-mails of commits",
    "commitfiles": "names of changed files",
    "notes": "comments on issues",
    "comments": "comments on issues",
    "hashes": "fingerprints of events",
    "members": "names, e-mails and roles of members",
    "users": "names, e-mails and IP addresses of users",
    "teams": "names of teams and their members",
    "sessions": "users' sessions",
    "profiling": "profiles of running code",
    "audit-logs": "who did what in the organization",
    "repos": "names and addresses of repositories",
}
"""Parts of addresses that are never asked for, and what is there."""
