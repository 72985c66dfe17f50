{#-
    Two-sided p-value of a standard normal statistic, 2 (1 - Phi(|z|)) = erfc(|z| / sqrt 2).
    DuckDB has no erfc; this is Abramowitz and Stegun's 7.1.26, off by less than 1.5e-7.
-#}
{% macro normal_two_sided_p(z) -%}
    {%- set x = '(abs(' ~ z ~ ') / sqrt(2.0))' -%}
    {%- set t = '(1.0 / (1.0 + 0.3275911 * ' ~ x ~ '))' -%}
    exp(-({{ x }} * {{ x }})) * {{ t }} * (
        0.254829592 + {{ t }} * (
            -0.284496736 + {{ t }} * (
                1.421413741 + {{ t }} * (-1.453152027 + {{ t }} * 1.061405429)
            )
        )
    )
{%- endmacro %}
