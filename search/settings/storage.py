"""Settings that say where the trials are stored."""

from __future__ import annotations

from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from pydantic import Field, ValidationInfo, field_validator

from search.secrets import without_passwords
from search.settings.base import Settings, duration_text
from search.settings.duration import parse_duration

URL_OPTIONS = {"host", "port", "sslmode", "sslrootcert"}
"""Options that a URL may have behind its question mark. Others of libpq's options name secrets."""


class StorageSettings(Settings):
    """Where the trials are stored: in the study folder, or on a PostgreSQL server.

    Args:
        url: of the server's database, ``postgresql://user@host:5432/database``, without a password:
            that comes from ``PGPASSFILE``, ``~/.pgpass`` or ``PGPASSWORD``.
        study: the study's name in that database; by default the folder's name.
        grace: how long a driver may be silent, such as ``"2m"``. Then it is taken for dead, and its
            trial is tried again.
    """

    kind: Literal["journal", "sqlite", "postgres"]
    url: str | None = Field(default=None, validate_default=True)
    study: str | None = Field(default=None, min_length=1, max_length=200)
    grace: str = "2m"

    @field_validator("url")
    @classmethod
    def _holds_no_secret(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None:
            if info.data.get("kind") == "postgres":
                raise ValueError(
                    "there is no URL of the server. Set "
                    "storage.url=postgresql://user@host:5432/database, and put the password into "
                    "~/.pgpass, PGPASSFILE or PGPASSWORD."
                )
            return None
        parts = urlsplit(value)
        options = {key for key, _ in parse_qsl(parts.query, keep_blank_values=True)}
        if parts.password is not None or "password" in options:
            raise ValueError(
                f"the URL {without_passwords(value)!r} holds a password, which config.yaml "
                "would keep. Put it into ~/.pgpass, PGPASSFILE or PGPASSWORD."
            )
        if parts.scheme != "postgresql" or not parts.path.strip("/"):
            raise ValueError(
                f"{without_passwords(value)!r} is not a storage's URL. Write "
                "postgresql://user@host:5432/database."
            )
        if not options <= URL_OPTIONS:
            raise ValueError(
                f"the URL has {', '.join(sorted(options - URL_OPTIONS))}, which a storage's URL "
                f"does not take. Choose among {', '.join(sorted(URL_OPTIONS))}."
            )
        return value

    @field_validator("grace", mode="before")
    @classmethod
    def _is_a_duration(cls, value: Any) -> Any:
        return duration_text(value)

    @property
    def grace_s(self) -> float:
        """The grace in seconds."""
        return parse_duration(self.grace)
