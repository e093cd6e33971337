"""Second factors, recovery codes and trusted devices."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY, VARBINARY

from app.models.base import Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def text(length: int) -> sa.String:
    """Text that MariaDB compares byte by byte, as the other databases do."""
    binary = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def of_person(table: str, *columns: sa.Column | sa.UniqueConstraint) -> None:
    op.create_table(
        table,
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        *columns,
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f(f"fk_{table}_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_user_id"), table, ["user_id"])


def upgrade() -> None:
    op.add_column("users", sa.Column("mfa_enabled", sa.Boolean(), nullable=False, server_default=sa.false()))
    of_person(
        "totp_devices",
        sa.Column("name", text(128), nullable=False),
        sa.Column(
            "encrypted_secret",
            sa.LargeBinary(255).with_variant(VARBINARY(255), "mysql", "mariadb"),
            nullable=False,
        ),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("confirmed_at", Moment(), nullable=True),
        sa.Column("last_used_at", Moment(), nullable=True),
    )
    of_person(
        "recovery_codes",
        sa.Column("salt", sa.LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb"), nullable=False),
        sa.Column("hashed_code", text(64), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
    )
    of_person(
        "trusted_devices",
        sa.Column("hashed_token", text(64), nullable=False),
        sa.Column("device_name", text(128), nullable=True),
        sa.Column("ip_address", text(45), nullable=True),
        sa.Column("user_agent", text(255), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_used_at", Moment(), nullable=True),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.UniqueConstraint("hashed_token", name=op.f("uq_trusted_devices_hashed_token")),
    )


def downgrade() -> None:
    for table in ("trusted_devices", "recovery_codes", "totp_devices"):
        op.drop_table(table)
    op.drop_column("users", "mfa_enabled")
