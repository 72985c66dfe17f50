"""The registry as it was before it had migrations: one table, tokens that someone put there."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table where it is not there yet."""
    if sa.inspect(op.get_bind()).has_table("connection"):
        return
    op.create_table(
        "connection",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("base_url", sa.String(255), nullable=False),
        sa.Column("organization", sa.String(255), nullable=False),
        sa.Column("created_at", sa.DateTime, nullable=False),
        sa.Column("token", sa.LargeBinary, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("base_url", "organization"),
    )


def downgrade() -> None:
    """Drop the table."""
    op.drop_table("connection")
