"""The first schema: people, organizations, sessions, events, login throttles."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.mysql import BINARY

from app.models.base import Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def text(length: int) -> sa.String:
    """Text that MariaDB compares byte by byte, as the other databases do."""
    binary = sa.String(length, collation="utf8mb4_bin")
    return sa.String(length).with_variant(binary, "mysql", "mariadb")


def upgrade() -> None:
    op.create_table(
        "login_throttles",
        sa.Column("key", text(64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("window_ends_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_login_throttles")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slug", text(128), nullable=False),
        sa.Column("name", text(255), nullable=False),
        sa.Column("tier", text(32), nullable=False),
        sa.Column("status", text(16), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
        sa.UniqueConstraint("slug", name=op.f("uq_organizations_slug")),
    )
    op.create_table(
        "security_events",
        sa.Column(
            "id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False
        ),
        sa.Column("occurred_at", Moment(), nullable=False),
        sa.Column("kind", text(64), nullable=False),
        sa.Column("actor", text(32), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("ip_address", text(45), nullable=True),
        sa.Column("user_agent", text(255), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_security_events")),
    )
    op.create_index(op.f("ix_security_events_occurred_at"), "security_events", ["occurred_at"])
    op.create_index(op.f("ix_security_events_user_id"), "security_events", ["user_id"])

    op.create_table(
        "users",
        sa.Column("id", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("status", text(16), nullable=False),
        sa.Column("email", text(255), nullable=True),
        sa.Column("phone", text(32), nullable=True),
        sa.Column("username", text(64), nullable=True),
        sa.Column("name", text(255), nullable=True),
        sa.Column("role", text(64), nullable=False),
        sa.Column("attributes", sa.JSON(), nullable=False),
        sa.Column("hashed_password", text(255), nullable=True),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("email_verified_at", Moment(), nullable=True),
        sa.Column("phone_verified_at", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
        sa.UniqueConstraint("phone", name=op.f("uq_users_phone")),
        sa.UniqueConstraint("username", name=op.f("uq_users_username")),
        sa.UniqueConstraint("uuid", name=op.f("uq_users_uuid")),
    )
    op.create_table(
        "memberships",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("role", text(64), nullable=False),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_memberships_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_memberships_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", "organization_id", name=op.f("pk_memberships")),
    )
    op.create_index(op.f("ix_memberships_organization_id"), "memberships", ["organization_id"])

    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.Column("seen_generation", sa.BigInteger(), nullable=False),
        sa.Column("floor_generation", sa.BigInteger(), nullable=False),
        sa.Column("grace_generation", sa.BigInteger(), nullable=True),
        sa.Column("grace_started_at", Moment(), nullable=True),
        sa.Column("given_up_from", sa.BigInteger(), nullable=True),
        sa.Column("given_up_to", sa.BigInteger(), nullable=True),
        sa.Column("salt", sa.LargeBinary(16).with_variant(BINARY(16), "mysql", "mariadb"), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("rotated_at", Moment(), nullable=False),
        sa.Column("last_seen_at", Moment(), nullable=False),
        sa.Column("inactivity_expires_at", Moment(), nullable=False),
        sa.Column("absolute_expires_at", Moment(), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("revoked_reason", text(32), nullable=True),
        sa.Column("auth_methods", sa.JSON(), nullable=False),
        sa.Column("authenticated_at", Moment(), nullable=False),
        sa.Column("mfa_pending", sa.Boolean(), nullable=False),
        sa.Column("ip_address", text(45), nullable=True),
        sa.Column("user_agent", text(255), nullable=True),
        sa.Column("device_name", text(128), nullable=True),
        sa.Column("contract", text(32), nullable=False),
        sa.Column("client_id", text(64), nullable=True),
        sa.Column("transport", text(16), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_sessions_organization_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        postgresql_with={"fillfactor": 90},
    )
    op.create_index(op.f("ix_sessions_organization_id"), "sessions", ["organization_id"])
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"])


def downgrade() -> None:
    for table in (
        "sessions",
        "memberships",
        "users",
        "security_events",
        "organizations",
        "login_throttles",
    ):
        op.drop_table(table)
