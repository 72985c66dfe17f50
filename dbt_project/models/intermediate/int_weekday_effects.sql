with ranks as (

    select * from {{ ref('int_weekday_ranks') }}

),

limits as (

    select rule_limit as least_releases
    from {{ ref('finding_rules') }}

    where rule_name = 'weekday_effect'

),

weekdays as (

    select
        ranks.rule_name,
        ranks.project_id,
        ranks.checkpoint_number,
        ranks.weekday_number,
        ranks.weekday_name,
        cast(count(*) as double) as here_count,
        cast(any_value(ranks.release_count) - count(*) as double) as elsewhere_count,
        any_value(ranks.tie_term) as tie_term,
        sum(ranks.mid_rank) as rank_sum

    from ranks
    cross join limits

    group by all

    having
        count(*) >= any_value(limits.least_releases)
        and any_value(ranks.release_count) - count(*) >= any_value(limits.least_releases)

),

-- Mann-Whitney: the share of pairs in which the release of this weekday brings more.
compared as (

    select
        *,
        here_count + elsewhere_count as all_count,
        (rank_sum - here_count * (here_count + 1) / 2) / (here_count * elsewhere_count)
            as superiority,
        count(*) over (partition by project_id, checkpoint_number) as group_count

    from weekdays

),

tested as (

    select
        *,
        (superiority - 0.5) * here_count * elsewhere_count / nullif(sqrt(
            here_count * elsewhere_count / 12
            * (all_count + 1 - tie_term / (all_count * (all_count - 1)))
        ), 0) as z,
        -- Hanley and McNeil.
        sqrt((
            superiority * (1 - superiority)
            + (here_count - 1) * (superiority / (2 - superiority) - superiority * superiority)
            + (elsewhere_count - 1)
            * (2 * superiority * superiority / (1 + superiority) - superiority * superiority)
        ) / (here_count * elsewhere_count)) as standard_error

    from compared

)

select * from tested
