{#-
    Fills the braces of a rule's sentence. Shares are shown in whole percent, other values with one
    digit, probabilities with two.
-#}
{% macro finding_sentence(template) -%}
    {%- set filled = namespace(sql=template) -%}
    {%- for name, column in [
        ('success_count', 'cast(spans.success_count as varchar)'),
        ('sample_size', 'cast(spans.sample_size as varchar)'),
        ('group_count', 'cast(spans.group_count as varchar)'),
        ('limit_days', "format('{:.0f}', rules.rule_limit / 24.0)"),
        ('limit', "format('{:.0f}', rules.rule_limit)"),
        ('detail', 'spans.group_key'),
        ('p_value', "format('{:.1g}', spans.p_value)"),
        ('value', finding_number('spans.measured_value')),
        ('low', finding_number('spans.interval_low')),
        ('high', finding_number('spans.interval_high')),
    ] -%}
        {%- set filled.sql = "replace(" ~ filled.sql ~ ", '{" ~ name ~ "}', coalesce("
            ~ column ~ ", ''))" -%}
    {%- endfor -%}
    {{ filled.sql }}
{%- endmacro %}

{% macro finding_number(column) -%}
    case rules.value_unit
        when 'share' then format('{:.0f} %', 100.0 * {{ column }})
        when 'probability' then format('{:.2f}', {{ column }})
        else format('{:.1f}', {{ column }})
    end
{%- endmacro %}
