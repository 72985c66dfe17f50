{#- Hours from one timestamp to another as a double, exact to the microsecond. -#}
{% macro hours_between(from_at, to_at) -%}
    date_diff('microsecond', {{ from_at }}, {{ to_at }}) / 3600000000.0
{%- endmacro %}
