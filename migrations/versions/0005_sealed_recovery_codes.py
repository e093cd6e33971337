"""Recovery codes whose hashes can be sealed under another key.

Those that were hashed with the key cannot be converted, and are deleted.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, VARBINARY

from app.models.base import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def replace(content: sa.Column) -> None:
    op.drop_table("recovery_codes")
    op.create_table(
        "recovery_codes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("salt", sa.LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb"), nullable=False),
        content,
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_recovery_codes_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_codes")),
    )
    op.create_index(op.f("ix_recovery_codes_user_id"), "recovery_codes", ["user_id"])


def upgrade() -> None:
    sealed = sa.LargeBinary(255).with_variant(VARBINARY(255), "mysql", "mariadb")
    replace(sa.Column("sealed_hash", sealed, nullable=False))


def downgrade() -> None:
    text = sa.String(64).with_variant(sa.String(64, collation="utf8mb4_bin"), "mysql", "mariadb")
    replace(sa.Column("hashed_code", text, nullable=False))
