with cohorts as (

    select * from {{ ref('int_resolution_cohorts') }}

),

quantiles as (

    select * from {{ ref('int_survival_quantiles') }}

),

projects as (

    select * from {{ ref('int_projects') }}

),

scoped as (

    select
        *,
        if(project_id is null, 'organization', 'project')
        || replace(replace(measure, 'resolution_by', ''), 'resolution', '') as scope

    from cohorts

),

described as (

    select
        scoped.scope || '-' || coalesce(scoped.project_id, 'all')
        || coalesce('-' || scoped.segment, '') || '-' || scoped.cohort_date as distribution_id,
        scoped.scope,
        scoped.project_id,
        projects.project_slug,
        if(scoped.measure = 'resolution_by_level', scoped.segment, null) as issue_level,
        if(scoped.measure = 'resolution_by_priority', scoped.segment, null) as issue_priority,
        scoped.* exclude (measure, scope, project_id, segment, cohort_date, as_of),
        quantiles.p25_hours as km_p25_hours,
        quantiles.median_hours as km_median_hours,
        quantiles.median_low_hours as km_median_low_hours,
        quantiles.median_high_hours as km_median_high_hours,
        quantiles.p75_hours as km_p75_hours,
        quantiles.p90_hours as km_p90_hours,
        scoped.cohort_date as cohort_month,
        scoped.as_of

    from scoped
    left join projects
        on scoped.project_id = projects.project_id
    left join quantiles
        on
            scoped.measure = quantiles.measure
            and scoped.cohort_date = quantiles.cohort_date
            and scoped.project_id is not distinct from quantiles.project_id
            and scoped.segment is not distinct from quantiles.segment

)

select * from described
