"""A receipt for people: what it says, and a page complete in itself, to be kept or printed."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from jinja2 import Environment
from markupsafe import Markup

from include.purge.amounts import in_words

if TYPE_CHECKING:
    from include.purge.receipts import Receipt

TEMPLATE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>
:root { color-scheme: light dark }
body { font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 46rem; padding: 0 1rem }
h1 { font-size: 1.5rem } h2 { font-size: 1.1rem; margin-top: 2rem }
table { border-collapse: collapse; width: 100% }
th, td { border-bottom: 1px solid #8886; padding: .4rem .6rem .4rem 0; text-align: left;
  vertical-align: top }
th { font-weight: 600 } code { overflow-wrap: anywhere; font-size: .85rem }
</style>
</head>
<body>
<h1>{{ title }}</h1>
<p>{{ summary }}</p>
{{ body }}
</body>
</html>
"""

BODY = """<table>
<tr><th scope="row">Receipt</th><td>{{ receipt.number }}</td></tr>
<tr><th scope="row">Connection</th><td><code>{{ receipt.connection }}</code></td></tr>
{% if receipt.requested_at %}
<tr><th scope="row">Disconnected</th><td>{{ moment(receipt.requested_at) }}</td></tr>
{% endif %}
<tr><th scope="row">Completed</th><td>{{ moment(receipt.completed_at) }}</td></tr>
<tr><th scope="row">Software</th><td>{{ receipt.software }}</td></tr>
{% if receipt.organization %}
<tr><th scope="row">Organization</th><td><code>{{ receipt.organization.hash }}</code><br>
{{ receipt.organization.method }}, salt <code>{{ receipt.organization.salt }}</code></td></tr>
{% endif %}
</table>
{% if receipt.steps %}
<h2>What was deleted</h2>
<table>
<thead>
<tr><th scope="col">What</th><th scope="col">Deleted</th><th scope="col">State</th></tr>
</thead>
{% for step in receipt.steps %}
<tr><td>{{ step.title }}</td><td>{{ in_words(step.deleted) }}</td>
<td>{{ "done" if step.is_done else "still to be done" }}
{%- if step.note %}: {{ step.note }}{% endif %}</td></tr>
{% endfor %}
</table>
{% endif %}
{% if receipt.verification %}{% with found = receipt.verification %}
<h2>Search afterwards</h2>
<p>{{ "Something was found." if not found.is_clean else
"Nothing collected was found." if found.left else "Nothing was found." }}
Searched: {{ found.places | join(", ") }}; {{ "{:,}".format(found.files) }} files with
{{ "{:,}".format(found.bytes) }} bytes. Looked for: the connection's id in every name,
{{ "{:,}".format(found.words) }} values that it had held, and {{ "{:,}".format(found.marks) }}
random marks of its rows.</p>
{% for place, count in found.found.items() %}
<p>Found and deleted: {{ count }} in {{ place }}.</p>
{% endfor %}
{% for place, count in found.left.items() %}
<p>Found and left to the operator: {{ count }} in {{ place }}.</p>
{% endfor %}
{% endwith %}{% endif %}
<h2>What cannot be deleted from here</h2>
<ul>{% for one in receipt.not_covered %}<li>{{ one }}.</li>{% endfor %}</ul>
<h2>Chain</h2>
<p>SHA-256 of this receipt's JSON: <code>{{ receipt.hash }}</code><br>
Hash of the receipt before: <code>{{ receipt.previous }}</code>
{% if receipt.purge %}<br>Receipt of the purge: <code>{{ receipt.purge }}</code>{% endif %}</p>
"""

TITLES = {
    "purge": "Receipt: everything collected was deleted",
    "check": "Receipt: a later look at a deletion",
}


def page(receipt: "Receipt") -> str:
    """Return a receipt as a page."""
    return _rendered(
        TEMPLATE,
        title=TITLES[receipt.kind],
        summary=summary(receipt),
        body=body(receipt, lambda at: f"{at:%Y-%m-%d %H:%M:%S} UTC"),
    )


def body(receipt: "Receipt", moment: Callable[[datetime], str]) -> Markup:
    """Return what a receipt says, below its title.

    Args:
        receipt: The receipt.
        moment: Returns a time for people.
    """
    # Everything in it is escaped.
    return Markup(_rendered(BODY, receipt=receipt, in_words=in_words, moment=moment))  # noqa: S704


def summary(receipt: "Receipt") -> str:
    """Return a receipt in a sentence."""
    if receipt.kind == "check":
        return "What was deleted was searched for once more."
    still = [step.title for step in receipt.steps if not step.is_done]
    if still:
        return (
            "All data collected from Sentry for this connection was deleted. Still to be done: "
            f"{'; '.join(still)}. A later receipt will say when."
        )
    return "All data collected from Sentry for this connection was deleted."


def _rendered(template: str, **values: object) -> str:
    return Environment(autoescape=True, trim_blocks=True).from_string(template).render(**values)
