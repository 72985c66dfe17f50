{#-
    Two-sided p-value of a standard normal statistic, 2 (1 - Phi(|z|)) = erfc(|z| / sqrt 2), to 1e-14.
    DuckDB has no erfc: erf x = exp(-x^2) sum of x^(2n + 1) / Gamma(n + 3/2), all terms positive;
    beyond |z| = 13 nothing is left of p.
-#}
{% macro normal_two_sided_p(z) -%}
    {%- set x = '(least(abs(' ~ z ~ '), 13.0) / sqrt(2.0))' -%}
    case
        when {{ z }} = 0.0 then 1.0
        when {{ z }} is not null
            then greatest(0.0, 1.0 - list_sum(list_transform(
                range(250), lambda n: exp((2 * n + 1) * ln({{ x }}) - lgamma(n + 1.5) - {{ x }} * {{ x }})
            )))
    end
{%- endmacro %}
