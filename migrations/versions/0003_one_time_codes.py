"""One-time codes, and when a password was last chosen."""

import sqlalchemy as sa
from alembic import op

from app.models.base import Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def text(length: int) -> sa.String:
    """Text that MariaDB compares byte by byte, as the other databases do."""
    binary = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "one_time_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("purpose", text(32), nullable=False),
        sa.Column("hashed_code", text(64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_one_time_codes_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_one_time_codes")),
        sa.UniqueConstraint("user_id", "purpose", name=op.f("uq_one_time_codes_user_id_purpose")),
    )
    op.create_index(op.f("ix_one_time_codes_expires_at"), "one_time_codes", ["expires_at"])
    # Null where the password is older than this column: such a password counts from the account's creation.
    op.add_column("users", sa.Column("password_changed_at", Moment(), nullable=True))


def downgrade() -> None:
    op.drop_column("users", "password_changed_at")
    op.drop_table("one_time_codes")
