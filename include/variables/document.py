"""Writes `docs/settings.md`: every variable, from the code that reads it.

Run it with `python -m include.variables > docs/settings.md`.
"""

from collections.abc import Iterable, Iterator

from include.settings import SECRETS_DIR, Settings
from include.variables.airflows import AIRFLOW_VARIABLES
from include.variables.words import allowed, default, example, is_secret, variable

_OPENING = f"""\
<!-- Made by `make docs-settings` from include/settings.py. Change that, not this. -->
# Settings

All settings are environment variables, the same for every process: Airflow's API server, scheduler,
DAG processor, triggerer and workers, and the command `corvana`. They are read once, when a process
begins. An empty value means that the variable is not set.

A wrong value stops whatever reads it with a sentence that names the variable, what it must be, and
an example: the command on the terminal, the DAG processor as an import error, a task as its
failure, the page *Integrations* and `/corvana/health` as their answer. Secrets are never shown. A
variable that begins with `CORVANA_` and is no setting is warned of, with the one that may be meant.
`corvana settings` shows what a process sees.

Each may also be a file in `{SECRETS_DIR}` that is named after the variable in lower case, as
Docker's and Kubernetes' secrets are, e.g. `{SECRETS_DIR}/corvana_registry_url`. The environment
comes first. Secrets are marked with ●: give them by such a file, or by Airflow's secrets backend.

## Ours"""

_AIRFLOWS = """\
## Airflow's

What the application needs of [Airflow's own](https://airflow.apache.org/docs/apache-airflow/stable/configurations-ref.html).
A Connection may be in any secrets backend of Airflow's instead of a variable."""


def document() -> str:
    """Return the page in Markdown."""
    ours = _table(
        ("variable", "default", "must be", "meaning", "example"),
        (
            (
                f"`{variable(name)}`{' ●' if is_secret(field) else ''}",
                default(field),
                allowed(field),
                field.description or "",
                _code(example(field)),
            )
            for name, field in Settings.model_fields.items()
        ),
    )
    airflows = _table(
        ("variable", "default", "needed", "meaning", "example"),
        (
            (f"`{one.name}`", one.default, one.needed, one.meaning, _code(one.example))
            for one in AIRFLOW_VARIABLES
        ),
    )
    return "\n\n".join((_OPENING, ours, _AIRFLOWS, airflows)) + "\n"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    def lines() -> Iterator[str]:
        names = list(head)
        yield _row(names)
        yield _row("---" for _ in names)
        for row in rows:
            yield _row(cell.replace("|", "\\|") for cell in row)

    return "\n".join(lines())


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |".replace("| --- ", "|---").replace("--- |", "---|")


def _code(text: str) -> str:
    """Return a value as code; one that is described rather than given stays as it is."""
    return text if text.startswith("a ") else f"`{text}`"
