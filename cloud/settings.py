"""The cloud's settings, from the environment: `MNARA_CLOUD_*`."""

import base64
from functools import cached_property
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """All of them, with defaults under which one machine needs nothing else."""

    model_config = SettingsConfigDict(
        env_prefix="MNARA_CLOUD_", frozen=True, extra="ignore", ignored_types=(cached_property,)
    )

    data_dir: Path = Path(".mnara/cloud")
    database_url: SecretStr = SecretStr("")
    """Empty: the embedded PostgreSQL."""
    broker_url: str = ""
    """`mqtts://host:port` of the cloud's listener at a broker; empty: the embedded broker."""

    http_host: str = "127.0.0.1"
    http_port: int = Field(default=8080, ge=0, le=65535)
    enrol_host: str = "127.0.0.1"
    enrol_port: int = Field(default=8443, ge=0, le=65535)
    broker_host: str = "127.0.0.1"
    """Where the embedded broker listens; with a broker of yours, its listener for agents."""
    broker_port: int = Field(default=8883, ge=1, le=65535)
    public_host: str = ""
    """The name or address under which sites reach enrolment and broker; empty: the hosts above."""
    public_names: str = ""
    """More names and addresses for the server certificate, separated by commas."""

    secret_key: SecretStr = SecretStr("")
    """Keys of secrets at rest, hex or base64 of 32 bytes, newest first, separated by commas; empty: one is made and
    kept in the data folder."""
    broker_files: Path | None = None
    """The folder that `mnara-cloud broker conf` filled for mosquitto; by default `broker` in the data folder."""
    public_url: str = ""
    """Under which the rails and the staff reach the API; empty: its address on this machine."""
    trusted_proxies: str = ""
    """Addresses and networks of reverse proxies, separated by commas."""
    mpesa_sources: str = ""
    """Where M-Pesa's callbacks may come from, separated by commas; others are quarantined. Empty asks nothing."""
    mpesa_reject_unknown: bool = False
    log_level: str = "info"
    log_json: bool = False
    pool_size: int = Field(default=8, ge=2, le=100)

    @field_validator("broker_url")
    @classmethod
    def _has_host_and_port(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme != "mqtts" or not parts.hostname or not parts.port):
            raise ValueError("the broker's address must look like mqtts://host:8884")
        return value

    @field_validator("secret_key")
    @classmethod
    def _are_keys(cls, value: SecretStr) -> SecretStr:
        for text in _parts(value.get_secret_value()):
            _read_key(text)
        return value

    def secret_keys(self) -> list[bytes]:
        """Return the keys given, newest first."""
        return [_read_key(text) for text in _parts(self.secret_key.get_secret_value())]

    def listed(self, value: str) -> tuple[str, ...]:
        """Return the parts of a setting that is a list."""
        return tuple(_parts(value))

    @property
    def embeds_database(self) -> bool:
        """Tell whether the database is ours to run."""
        return not self.database_url.get_secret_value()

    @property
    def embeds_broker(self) -> bool:
        """Tell whether the broker is ours to run."""
        return not self.broker_url

    @cached_property
    def cloud_broker(self) -> tuple[str, int]:
        """Return where the cloud's own link connects."""
        if self.embeds_broker:
            return _reachable(self.broker_host), self.broker_port
        parts = urlsplit(self.broker_url)
        return str(parts.hostname), int(parts.port or 0)

    @property
    def agents_broker(self) -> tuple[str, int]:
        """Return where agents connect, as it is told to them at enrolment."""
        return self.public_host or _reachable(self.broker_host), self.broker_port

    @property
    def enrol_url(self) -> str:
        """Return the enrolment door's address, as it is told to installers."""
        return f"https://{_bracketed(self.public_host or _reachable(self.enrol_host))}:{self.enrol_port}"

    @property
    def http_url(self) -> str:
        """Return the API's address on this machine."""
        return f"http://{_bracketed(_reachable(self.http_host))}:{self.http_port}"

    @property
    def server_names(self) -> list[str]:
        """Return every name that the server certificate must carry."""
        extra = _parts(self.public_names)
        hosts = [self.public_host, _reachable(self.broker_host), _reachable(self.enrol_host), self.cloud_broker[0]]
        return list(dict.fromkeys(name for name in [*hosts, *extra, "localhost", "127.0.0.1"] if name))


def _parts(value: str) -> list[str]:
    return [part.strip() for part in value.split(",") if part.strip()]


def _read_key(text: str) -> bytes:
    try:
        key = bytes.fromhex(text) if len(text) == 64 else base64.b64decode(text, validate=True)
    except ValueError:
        key = b""
    if len(key) != 32:
        raise ValueError("a secret key must be 32 bytes in hex or base64")
    return key


def _reachable(host: str) -> str:
    """Return an address to connect to for one to listen on."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)  # noqa: S104  # not bound here


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
