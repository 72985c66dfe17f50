"""What the page says about access and about what is collected; the same for every connection."""

SCOPES = {
    "org:read": "The organization, its projects and environments, and counts of errors.",
    "project:read": "Releases and deploys of its projects.",
    "event:read": "Issues, their statuses and what happened to them. Single events are never read.",
}
"""The scopes that Sentry is asked for, and what each is for. All of them only read."""

COLLECTED = (
    "Issues: ids, statuses, levels, priorities, platforms, times and counts",
    "What happened to an issue and when; who was assigned, as a pseudonym",
    "Releases, deploys and environments: versions, names, times, counts",
    "Counts of errors by hour and outcome, and by day, issue and release",
    "The short names (slugs) of the organization and its projects",
)

NEVER_COLLECTED = (
    "Titles and messages of errors, stack traces, source code, tags, events",
    "Names, e-mail addresses, comments, texts of commits and pull requests",
    "Authors, commits, addresses of repositories",
    "Sessions, replays, users, IP addresses",
    "DSNs, keys, tokens, settings of projects",
)

TABLES = {
    "organizations": "Organization",
    "projects": "Projects",
    "environments": "Environments",
    "releases": "Releases",
    "release_projects": "Releases by project",
    "deploys": "Deploys",
    "issues": "Issues",
    "issue_activities": "What happened to issues",
    "issue_histories": "Which histories are known",
    "project_error_volume": "Errors by project and hour",
    "issue_release_volume": "Events by issue, release and day",
    "load_runs": "Loads",
    "load_coverage": "Coverage",
}
"""The warehouse's tables, for people; one that is not here is shown by its name."""

MARTS = {
    "release_stability": "How stable releases are, by release and project",
    "release_stability_summary": "How stable releases are, by project",
    "assignment_pattern": "How issues are assigned, by project and week",
    "resolution_time": "How long resolution takes, by issue",
    "resolution_time_distribution": "How long resolution takes, by project and month",
    "error_frequency": "How often errors occur, by project and day",
    "project_error_rate": "Error rates, by project and week",
    "process_findings": "What points to a problem of the process",
    "assignment_load": "How much assignees hold, by project, assignee and week",
    "dim_project": "Projects",
    "dim_release": "Releases",
    "dim_issue": "Issues",
    "data_freshness": "How complete and how recent the data is",
}
"""The published marts, for people; one that is not here is shown by its name alone."""

TRANSITIONS = {
    "connecting": "Consent was given in Sentry",
    "connected": "Connected",
    "disconnected": "Access was lost",
    "disconnecting": "Disconnected; deletion began",
    "purged": "Everything was deleted",
}
"""Changes of a connection's state, by what it became."""
