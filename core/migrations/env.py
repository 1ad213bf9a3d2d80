"""Alembic's entry: run the migrations on the connection that core.run.migrate hands over."""

from alembic import context

from core.app.tables import metadata


def _ours(name: str | None, kind: str, parents: object) -> bool:
    return not (name or "").startswith("procrastinate_")


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    include_name=_ours,
    compare_server_default=False,
)
with context.begin_transaction():
    context.run_migrations()
