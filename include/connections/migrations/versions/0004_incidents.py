"""What somebody is told of once."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "incidents",
        sa.Column(
            "connection_id", sa.String(32), sa.ForeignKey("connections.id"), primary_key=True
        ),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("since", MOMENT, nullable=False),
        sa.Column("claimed_at", MOMENT),
        sa.Column("told_at", MOMENT),
    )


def downgrade() -> None:
    """Refuse: receipts are nowhere else."""
    raise NotImplementedError("The registry cannot go back: restore a backup of it.")
