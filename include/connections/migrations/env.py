"""Runs the migrations in the connection that `database` gives."""

from alembic import context

from include.connections.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
