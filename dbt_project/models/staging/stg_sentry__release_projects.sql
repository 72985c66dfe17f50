with source as (

    select * from {{ source('sentry', 'release_projects') }}

),

renamed as (

    select
        release_id,
        project_id,
        new_groups as new_issue_count

    from source

)

select * from renamed
