"""Connections with states, secrets of their own, an audit table, consents and load reports."""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
SCOPES = ["event:read", "org:read", "project:read"]


def upgrade() -> None:
    """Make the tables, and take over what the old one holds."""
    connections = op.create_table(
        "connections",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("base_url", sa.String(255)),
        sa.Column("organization_id", sa.String(64)),
        sa.Column("organization_slug", sa.String(255)),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("reason", sa.String(32)),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("created_by", sa.String(255), nullable=False),
        sa.Column("schedule", sa.String(16), nullable=False, server_default=sa.text("'hourly'")),
        sa.Column("purge_after", MOMENT),
    )
    op.create_index(
        "one_per_organization", "connections", ["base_url", "organization_id"], unique=True
    )
    secrets = op.create_table(
        "secrets",
        sa.Column(
            "connection_id", sa.String(32), sa.ForeignKey("connections.id"), primary_key=True
        ),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("access_token", sa.LargeBinary, nullable=False),
        sa.Column("refresh_token", sa.LargeBinary),
        sa.Column("scopes", sa.JSON, nullable=False),
        sa.Column("obtained_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT),
        sa.Column("generation", sa.Integer, nullable=False),
        sa.Column("renewing_since", MOMENT),
        sa.Column("renewing_by", sa.String(64)),
    )
    transitions = op.create_table(
        "transitions",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column(
            "connection_id",
            sa.String(32),
            sa.ForeignKey("connections.id"),
            nullable=False,
            index=True,
        ),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("from_state", sa.String(16)),
        sa.Column("to_state", sa.String(16), nullable=False),
        sa.Column("reason", sa.String(255)),
    )
    op.create_table(
        "authorizations",
        sa.Column("state_digest", sa.String(64), primary_key=True),
        sa.Column("browser_digest", sa.String(64), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("code_verifier", sa.LargeBinary, nullable=False),
        sa.Column("redirect_uri", sa.String(1024), nullable=False),
        sa.Column("connection_id", sa.String(32), sa.ForeignKey("connections.id")),
        sa.Column("expires_at", MOMENT, nullable=False),
    )
    op.create_table(
        "load_reports",
        sa.Column(
            "connection_id", sa.String(32), sa.ForeignKey("connections.id"), primary_key=True
        ),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("report", sa.JSON, nullable=False),
    )
    _take_over(connections, secrets, transitions)
    op.drop_table("connection")


def _take_over(connections: sa.Table, secrets: sa.Table, transitions: sa.Table) -> None:
    """Take over connections made before there were states: they were all connected.

    Their organization is the slug that they were made with, until the first load pins the id.
    """
    old = sa.table(
        "connection",
        *(sa.column(name) for name in ("id", "base_url", "organization", "token", "salt")),
        sa.column("created_at", sa.DateTime),
    )
    now = datetime.now(UTC)
    for row in op.get_bind().execute(sa.select(old)).mappings():
        created = row["created_at"].replace(tzinfo=UTC)
        op.bulk_insert(
            connections,
            [
                {
                    "id": row["id"],
                    "base_url": row["base_url"],
                    "organization_slug": row["organization"],
                    "state": "connected",
                    "changed_at": now,
                    "created_at": created,
                    "created_by": "migration",
                    "schedule": "hourly",
                }
            ],
        )
        op.bulk_insert(
            secrets,
            [
                {
                    "connection_id": row["id"],
                    "salt": row["salt"],
                    "access_token": row["token"],
                    "scopes": SCOPES,
                    "obtained_at": created,
                    "generation": 1,
                }
            ],
        )
        op.bulk_insert(
            transitions,
            [
                {
                    "connection_id": row["id"],
                    "at": now,
                    "actor": "migration",
                    "to_state": "connected",
                }
            ],
        )


def downgrade() -> None:
    """Refuse: tokens that were renewed since are nowhere else."""
    raise NotImplementedError("The registry cannot go back: restore a backup of it.")
