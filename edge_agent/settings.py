"""Settings of a running agent, from MNARA_AGENT_* in the environment."""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that may differ between sites and is no secret."""

    model_config = SettingsConfigDict(env_prefix="MNARA_AGENT_", extra="ignore")

    data: Path = Path("/var/lib/mnara-agent")
    runtime_dir: Path | None = None
    """Where the status file is; in memory-backed storage by default."""
    pass_every_s: float = 300.0
    """How often everything on the router is read and put right."""
    connection_query: Literal["range", "scan"] = "range"
    """How the live connections of somebody who is walled are found: `range` lets the router choose them by a text
    range of the source, `scan` reads the whole table of connections and chooses here."""
    portal_host: str = "0.0.0.0"  # noqa: S104  # subscribers reach it from their side of the router
    portal_port: int = 0
    """0: the pay page is not served."""
    portal_pay_hint: str = ""
    """How to pay, in the provider's words: paybill number, what to enter as account."""
    log_level: str = "info"
    log_json: bool = True
