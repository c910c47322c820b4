"""Alembic's entry: runs the revisions inside the transaction that `migrate` opened."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"], render_as_batch=True
)
context.run_migrations()
