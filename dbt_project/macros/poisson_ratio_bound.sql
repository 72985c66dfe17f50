{#-
    One bound of the 95 % interval of the ratio of two Poisson counts: given their sum, the first
    is binomial, so the Wilson bound p of its share gives p / (1 - p). Null without any events,
    and where the second count is zero (the upper bound is then infinite, the ratio undefined).
-#}
{% macro poisson_ratio_bound(count, previous_count, side) -%}
    {%- set total = '(' ~ count ~ ' + ' ~ previous_count ~ ')' -%}
    case
        when {{ previous_count }} > 0
            then {{ wilson_bound(count, total, side) }}
                / (1.0 - {{ wilson_bound(count, total, side) }})
    end
{%- endmacro %}
