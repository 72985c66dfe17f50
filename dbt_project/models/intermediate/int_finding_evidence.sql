with spans as (

    select * from {{ ref('int_finding_spans') }}

),

trials as (

    select * from {{ ref('int_finding_trials') }}

),

growth_days as (

    select * from {{ ref('int_growth_days') }}
    where is_recent

),

found as (

    select
        spans.rule_name,
        spans.project_id,
        trials.evidence_key,
        max(trials.decided_at) as decided_at

    from spans
    inner join trials
        on
            spans.rule_name = trials.rule_name
            and spans.project_id = trials.project_id
            and spans.window_from_at <= trials.entered_at
            and spans.checkpoint_at >= trials.decided_at

    where coalesce(trials.is_success, trials.group_key = spans.group_key)

    group by spans.rule_name, spans.project_id, trials.evidence_key

    union all

    select
        spans.rule_name,
        spans.project_id,
        cast(growth_days.error_date as varchar) as evidence_key,
        cast(growth_days.error_date as timestamp) as decided_at

    from spans
    inner join growth_days
        on
            spans.project_id = growth_days.project_id
            and spans.checkpoint_number = growth_days.checkpoint_number

    where spans.rule_name = 'error_growth'

),

evidence as (

    select
        rule_name,
        project_id,
        count(*) as evidence_count,
        list(evidence_key order by decided_at desc, evidence_key asc)[
            :{{ var('finding_evidence') }}
        ] as evidence_keys

    from found

    group by rule_name, project_id

)

select * from evidence
