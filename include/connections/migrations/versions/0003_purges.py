"""Leases, purges and their steps, receipts; a connection that is being deleted blocks no other."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
HAS_DATA = sa.text("state not in ('disconnecting', 'purged')")


def upgrade() -> None:
    """Make the tables."""
    op.drop_index("one_per_organization", "connections")
    op.create_index(
        "one_per_organization",
        "connections",
        ["base_url", "organization_id"],
        unique=True,
        sqlite_where=HAS_DATA,
        postgresql_where=HAS_DATA,
    )
    op.create_table(
        "leases",
        _connection(),
        sa.Column("token", sa.String(32), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("host", sa.String(255), nullable=False),
        sa.Column("pid", sa.Integer, nullable=False),
        sa.Column("process_started", sa.String(32), nullable=False),
        sa.Column("taken_at", MOMENT, nullable=False),
        sa.Column("beat_at", MOMENT, nullable=False),
    )
    op.create_table(
        "purges",
        _connection(),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("requested_by", sa.String(255), nullable=False),
        sa.Column("began_at", MOMENT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("words", sa.LargeBinary),
        sa.Column("marks", sa.LargeBinary),
        sa.Column("first_receipt", sa.String(64)),
        sa.Column("next_check_at", MOMENT, index=True),
        sa.Column("checks", sa.Integer, nullable=False),
    )
    op.create_table(
        "purge_steps",
        _connection(),
        sa.Column("step", sa.String(32), primary_key=True),
        sa.Column("is_done", sa.Boolean, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("amounts", sa.JSON, nullable=False),
        sa.Column("problem", sa.String(1024)),
        sa.Column("note", sa.String(1024)),
    )
    op.create_table(
        "receipts",
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("connection_id", sa.String(32), nullable=False, index=True),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("hash", sa.String(64), nullable=False, unique=True),
    )


def _connection() -> sa.Column[str]:
    return sa.Column(
        "connection_id", sa.String(32), sa.ForeignKey("connections.id"), primary_key=True
    )


def downgrade() -> None:
    """Refuse: receipts are nowhere else."""
    raise NotImplementedError("The registry cannot go back: restore a backup of it.")
