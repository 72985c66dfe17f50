{#-
    One bound of the 95 % Wilson score interval of a proportion; null without trials.
    `side` is -1 for the lower and 1 for the upper bound; 1.959963984540054 is the normal
    quantile of 0.975. The bounds at no and at nothing but successes are exact.
-#}
{% macro wilson_bound(successes, trials, side) -%}
    {%- set z = 1.959963984540054 -%}
    case
        when {{ trials }} > 0 and {{ successes }} = {{ 0 if side < 0 else trials }}
            then {{ 0.0 if side < 0 else 1.0 }}
        when {{ trials }} > 0
            then (
                {{ successes }} / cast({{ trials }} as double) + {{ z * z }} / (2.0 * {{ trials }})
                + ({{ side }}) * {{ z }} * sqrt(
                    {{ successes }} / cast({{ trials }} as double)
                    * (1.0 - {{ successes }} / cast({{ trials }} as double)) / {{ trials }}
                    + {{ z * z }} / (4.0 * {{ trials }} * {{ trials }})
                )
            ) / (1.0 + {{ z * z }} / {{ trials }})
    end
{%- endmacro %}
