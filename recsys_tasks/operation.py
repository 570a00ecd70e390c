"""How the DAGs run and who is told: settings without effect on the lists.

DAGs are parsed from these alone, so that nothing heavy is imported here.
"""

import re
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, field_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

PREFIX: Final = "RECSYS_"


class Operation(BaseSettings):
    """What an operator can choose that changes no list."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    tenants: Path | None = Field(
        None, description="folder with a file NAME.env of settings for each tenant: docs/airflow.md"
    )
    tenant: str | None = Field(None, description="whose settings hold, for a command")
    first_day: date = Field(
        date(2026, 1, 1), description="the scheduler catches up with every night since this day"
    )
    publish_by: str = Field(
        "06:00",
        pattern=r"^(([01]\d|2[0-3]):[0-5]\d|never)$",
        description="alert when lists are not published at this time (UTC) or never",
    )
    alert_webhook: str | None = Field(
        None,
        repr=False,
        pattern=r"^https?://\S+$",
        description="address that alerts are posted to as JSON, as Slack and Mattermost take it",
    )
    alert_email: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="who gets alerts by e-mail, separated by commas"
    )
    alert_sender: str | None = Field(
        None, pattern=r"^\S+@\S+$", description="who they are from; else the first who gets them"
    )
    smtp: str = Field(
        "smtp://localhost",
        repr=False,
        pattern=r"^smtps?://\S+$",
        description="mail server, as in smtp://user:password@host:587",
    )
    shards: int | None = Field(
        None,
        ge=1,
        le=64,
        description="parts, by user, in which a night makes its lists, each a task;"
        " else one task, of several processes where lists and processors are many",
    )
    pool: str = Field(
        "default_pool", min_length=1, description="Airflow pool of every task; it must exist"
    )
    gpu_pool: str | None = Field(
        None, min_length=1, description="Airflow pool of tasks that want a GPU; else that of all"
    )

    @field_validator("alert_email", mode="before")
    @classmethod
    def _split_addresses(cls, addresses: object) -> object:
        return re.findall(r"[^\s,;]+", addresses) if isinstance(addresses, str) else addresses

    @field_validator("alert_email")
    @classmethod
    def _are_addresses(cls, addresses: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [address for address in addresses if "@" not in address.strip("@")]:
            message = f"{', '.join(wrong)} is no e-mail address"
            raise ValueError(message)
        return addresses

    @property
    def published_after(self) -> timedelta | None:
        """How long after midnight lists have to be published; None for no matter when."""
        if self.publish_by == "never":
            return None
        hours, minutes = self.publish_by.split(":")
        return timedelta(hours=int(hours), minutes=int(minutes))

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003  pydantic calls it so
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003  as above
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """A tenant's file wins over the environment, which says what tenants have in common."""
        return init_settings, dotenv_settings, env_settings
