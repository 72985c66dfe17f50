with spans as (

    select * from {{ ref('int_finding_spans') }}

),

evidence as (

    select * from {{ ref('int_finding_evidence') }}

),

rules as (

    select * from {{ ref('finding_rules') }}

),

projects as (

    select * from {{ ref('int_projects') }}

),

clocks as (

    select * from {{ ref('int_project_clocks') }}

),

described as (

    select
        spans.rule_name || '-' || spans.project_id as finding_id,
        spans.rule_name,
        spans.project_id,
        projects.project_slug,
        case
            when spans.interval_low > rules.severe_threshold then 'high'
            when spans.measured_value > rules.severe_threshold then 'medium'
            else 'low'
        end as severity,
        {{ finding_sentence('rules.sentence') }} as finding,
        rules.advice,
        rules.value_unit,
        if(spans.rule_name = 'weekday_effect', spans.group_key, null) as detail,
        rules.evidence_kind,
        evidence.evidence_keys,
        evidence.evidence_count,
        spans.sample_size,
        spans.success_count,
        spans.group_count,
        spans.measured_value,
        spans.interval_low,
        spans.interval_high,
        spans.p_value,
        rules.threshold,
        spans.is_latest as is_active,
        spans.window_from_at,
        spans.checkpoint_at as window_to_at,
        spans.first_detected_at,
        spans.last_detected_at,
        clocks.as_of

    from spans
    inner join rules
        on spans.rule_name = rules.rule_name
    inner join clocks
        on spans.project_id = clocks.project_id
    inner join projects
        on spans.project_id = projects.project_id
    inner join evidence
        on
            spans.rule_name = evidence.rule_name
            and spans.project_id = evidence.project_id

)

select * from described
