"""Alembic's entry: run the migrations on the connection that ``console.store.migrate`` hands over."""

from alembic import context

from console.store.models import Base

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,  # SQLite cannot alter a column in place
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()
