"""Lines to copy, with which tools of one's own read what is published."""

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

from include.published.layout import VIEWS

RECONNECT = (
    "Whoever has it open reads on in the marts as they were then; open it again to see newer ones, "
    "at the latest when a query fails because files are gone."
)


@dataclass(frozen=True, slots=True)
class Snippet:
    """Lines to copy.

    Attributes:
        title: The tool.
        language: What the lines are, as a highlighter names it: `sql`, `python` or `text`.
        text: The lines.
        hint: What to know before, in a sentence or two.
    """

    title: str
    language: str
    text: str
    hint: str


def snippets(published: Path, connection_id: str | None = None) -> list[Snippet]:
    """Return how to read what is published with DuckDB, Python, Superset and Metabase.

    Args:
        published: Folder of the published marts.
        connection_id: Show this connection only; all, if None.
    """
    views = str(published.absolute() / VIEWS)
    return [
        _duckdb(views, _query("corvana.project_error_rate", connection_id)),
        _python(views, _query("project_error_rate", connection_id)),
        _superset(views),
        _metabase(views),
    ]


def _query(mart: str, connection_id: str | None) -> str:
    """Return a query that is not empty as soon as anything is published."""
    only = "" if connection_id is None else f"where connection_id = '{connection_id}'\n"
    return f"from {mart}\n{only}order by week_start_date desc, errors_per_hour desc\nlimit 20"


def _duckdb(views: str, query: str) -> Snippet:
    quoted = views.replace("'", "''")
    return Snippet(
        title="DuckDB",
        language="sql",
        text=f"attach '{quoted}' as corvana (read_only);\n\n{query};\n",
        hint="For DuckDB's command line and every tool that speaks its SQL; DuckDB 1.1 or later. "
        f"{RECONNECT}",
    )


def _python(views: str, query: str) -> Snippet:
    lines = dedent(
        """\
        import duckdb

        with duckdb.connect({views!r}, read_only=True) as marts:
            print(marts.sql(\"\"\"
        {query}
            \"\"\"))
        """
    )
    return Snippet(
        title="Python",
        language="python",
        text=lines.format(views=views, query=indent(query, " " * 8)),
        hint="`pip install duckdb`. Instead of `print`, `.df()` gives a data frame of pandas and "
        "`.arrow()` a table of Arrow; both have to be installed.",
    )


def _superset(views: str) -> Snippet:
    return Snippet(
        title="Superset",
        language="text",
        text=f"duckdb:///{views}?access_mode=read_only\n",
        hint="Settings ▸ Database Connections ▸ + Database ▸ DuckDB or Other, as SQLAlchemy URI; "
        "first `pip install duckdb-engine` where Superset runs. That place needs the folder under "
        "this very path, for the views name the files in it; to read them is enough. Superset "
        "opens the file anew for its queries, so it shows new marts by itself.",
    )


def _metabase(views: str) -> Snippet:
    return Snippet(
        title="Metabase",
        language="text",
        text=dedent(
            f"""\
            Database type                       DuckDB
            Database file                       {views}
            Establish a read-only connection    on
            """
        ),
        hint="Admin settings ▸ Databases ▸ Add database; first put `duckdb.metabase-driver.jar` "
        "from github.com/motherduckdb/metabase_duckdb_driver into Metabase's folder `plugins`. "
        "Metabase needs the folder under this very path; to read it is enough. It keeps the file "
        "open: save the database's settings again, or restart Metabase, to see newer marts.",
    )
