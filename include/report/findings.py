"""The findings, in words."""

from dataclasses import dataclass
from datetime import datetime

from include.report.chart import counted
from include.report.marts import Marts
from include.report.numbers import amount, share
from include.report.views import ALL

SHOWN = 12
"""Keys of evidence that are shown with a finding; the mart has up to twenty."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A process problem that a rule found in a project.

    Attributes:
        id: Its key in the mart.
        rule: The rule's name.
        project: Number of the project; `ALL` for one that cannot be looked at alone.
        project_name: The project's short name.
        severity: high, medium or low.
        sentence: What was found.
        advice: What to look at or to do.
        figures: Value, threshold and sample in words.
        evidence: What it rests on: short ids of issues, versions of releases, or days.
        evidence_more: How many there are beyond those.
        evidence_of: What the evidence is: issues, releases or days.
        is_active: Found at the latest load; else only at a Monday before.
        since: When it was first found.
        until: When it was last found.
    """

    id: str
    rule: str
    project: int
    project_name: str
    severity: str
    sentence: str
    advice: str
    figures: str
    evidence: tuple[str, ...]
    evidence_more: int
    evidence_of: str
    is_active: bool
    since: datetime
    until: datetime

    @property
    def title(self) -> str:
        """The rule in words."""
        return self.rule.replace("_", " ").capitalize()


QUERY = """
select
    finding_id, rule_name, coalesce(selectable.p, -1), coalesce(project_slug, project_id), severity,
    finding, advice, value_unit, measured_value, threshold, sample_size,
    evidence_kind, evidence_keys, evidence_count, is_active, first_detected_at, last_detected_at
from process_findings left join selectable using (project_id)
order by
    is_active desc, list_position(['high', 'medium', 'low'], severity), first_detected_at desc,
    finding_id
"""

NAMES = """
select 'issue', issue_id, coalesce(issue_short_id, issue_id) from dim_issue
where issue_id in (select unnest(evidence_keys) from process_findings where evidence_kind = 'issue')
union all
select 'release', release_id::varchar, release_version from dim_release
where release_id::varchar in (
    select unnest(evidence_keys) from process_findings where evidence_kind = 'release'
)
"""


def findings(marts: Marts) -> list[Finding]:
    """Return all findings: active ones first, the most severe first among them."""
    names = {(kind, key): name for kind, key, name in marts.rows(NAMES)}
    return [_finding(row, names) for row in marts.rows(QUERY)]


def _finding(row: tuple, names: dict[tuple[str, str], str]) -> Finding:  # type: ignore[type-arg]
    (
        key, rule, project, project_name, severity, sentence, advice, unit, value, threshold,
        sample, kind, keys, count, is_active, since, until,
    ) = row  # fmt: skip
    shown = tuple(names.get((kind, one), one) for one in keys[:SHOWN])
    written = amount if unit == "ratio" else share
    return Finding(
        id=key,
        rule=rule,
        project=ALL if project is None else project,
        project_name=project_name,
        severity=severity,
        sentence=sentence,
        advice=advice,
        figures=f"{written(value)}, reported if surely above {written(threshold)}; "
        f"{counted(sample, 'observation')}",
        evidence=shown,
        evidence_more=count - len(shown),
        evidence_of={"issue": "Issues", "release": "Releases", "day": "Days"}[kind],
        is_active=is_active,
        since=since,
        until=until,
    )
