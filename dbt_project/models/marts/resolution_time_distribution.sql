with resolution_time as (

    -- A cohort is not known before all issues of the project are.
    select * from {{ ref('resolution_time') }}
    where
        project_id in (
            select clocks.project_id from {{ ref('int_project_clocks') }} as clocks
            where clocks.issues_from_at is null
        )

),

quantiles as (

    select * from {{ ref('int_survival_quantiles') }}
    where measure = 'resolution'

),

-- Each episode once for its project and once, under no project, for the organization.
scoped as (

    select * from resolution_time
    union all
    select * replace (null as project_id, null as project_slug) from resolution_time

),

cohorts as (

    select
        if(project_id is null, 'organization', 'project') as scope,
        project_id,
        any_value(project_slug) as project_slug,
        count(*) as episode_count,
        count(*) filter (where is_resolved) as resolved_count,
        count(*) filter (where is_censored) as censored_count,
        count(*) filter (where censor_kind = 'open') as open_count,
        count(*) filter (where censor_kind = 'by_age') as by_age_count,
        count(*) filter (where censor_kind = 'archived') as archived_count,
        count(*) filter (where censor_kind = 'merged') as merged_count,
        count(*) filter (where censor_kind = 'deleted') as deleted_count,
        count(*) filter (where censor_kind = 'out_of_reach') as out_of_reach_count,
        quantile_cont(resolution_hours, 0.5) as naive_median_hours,
        quantile_cont(resolution_hours, 0.75) as naive_p75_hours,
        quantile_cont(resolution_hours, 0.9) as naive_p90_hours,
        quantile_cont(resolution_hours, 0.95) as naive_p95_hours,
        cohort_month,
        max(as_of) as as_of

    from scoped

    group by project_id, cohort_month

),

described as (

    select
        cohorts.scope || '-' || coalesce(cohorts.project_id, 'all')
        || '-' || cohorts.cohort_month as distribution_id,
        cohorts.* exclude (cohort_month, as_of),
        quantiles.median_hours as km_median_hours,
        quantiles.median_low_hours as km_median_low_hours,
        quantiles.median_high_hours as km_median_high_hours,
        quantiles.p75_hours as km_p75_hours,
        quantiles.p90_hours as km_p90_hours,
        cohorts.cohort_month,
        cohorts.as_of

    from cohorts
    left join quantiles
        on
            cohorts.cohort_month = quantiles.cohort_date
            and cohorts.project_id is not distinct from quantiles.project_id

)

select * from described
