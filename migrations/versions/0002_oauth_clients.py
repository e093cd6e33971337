"""Applications that act for people."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def text(length: int) -> sa.String:
    """Text that MariaDB compares byte by byte, as the other databases do."""
    binary = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "oauth_clients",
        sa.Column("id", text(64), nullable=False),
        sa.Column("name", text(255), nullable=True),
        sa.Column("hashed_secret", text(64), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_clients")),
    )


def downgrade() -> None:
    op.drop_table("oauth_clients")
