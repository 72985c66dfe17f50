{#- Fails for each row in which the expression is false or null. -#}
{% test expression_is_true(model, expression) %}

    select 1 as failure

    from {{ model }}

    where ({{ expression }}) is not true

{% endtest %}
