"""`/certificate`: keys and certificates that are real, made by `sign`, and what api-ssl shows of them."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from lab.mikrotik import tls
from lab.mikrotik.console import x509
from lab.mikrotik.errors import Trap
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Verb
from lab.mikrotik.speech.edit import rows_meant
from lab.mikrotik.store.table import Change, Row

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk

MAX_CERTIFICATES = 200
_MAX_DAYS = 36_500


@dataclass(frozen=True, slots=True)
class Held:
    """A certificate and, unless only its public half was imported, the key."""

    pem: str
    key_pem: str = ""


class Certificates:
    """The certificates of one router."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._router = desk.router
        self._table = self._router.tables.get("/certificate")
        self._services = self._router.tables.get("/ip/service")
        self._held: dict[Row, Held] = {}
        self.on_change: Callable[[], None] = lambda: None
        """Told when api-ssl is given another certificate."""
        self._assigned = self._name()
        verbs = self._router.verbs
        verbs[("/certificate", "sign")] = Verb(self._sign, policy="write")
        verbs[("/certificate", "import")] = Verb(self._import, policy="write")
        verbs[("/certificate", "export-certificate")] = Verb(self._export, policy="read")
        self._table.watchers.append(self._forgotten)
        self._services.watchers.append(self._service_changed)

    # -- api-ssl ------------------------------------------------------------------------------------------------

    def tls_context(self) -> ssl.SSLContext:
        """What new TLS connections get now: the assigned certificate, or none, which is anonymous."""
        row = self._table.find(self._name()) if self._name() else None
        held = None if row is None else self._held.get(row)
        if held is None or not held.key_pem:
            return tls.anonymous().context
        return tls.from_pem(held.pem, held.key_pem).context

    def kept(self) -> dict[str, Held]:
        """Keys and certificates by name, for a backup."""
        return {row.get("name"): held for row, held in self._held.items()}

    def take_back(self, kept: dict[str, Held]) -> None:
        """Join the rows of a restored table with their keys."""
        for name, held in kept.items():
            if (row := self._table.find(name)) is not None:
                self._held[row] = held
        self.on_change()

    def _name(self) -> str:
        service = self._services.find("api-ssl")
        name = "" if service is None else service.get("certificate")
        return "" if name == "none" else name

    def _service_changed(self, _change: Change, _row: Row) -> None:
        name = self._name()
        if name != self._assigned:
            self._assigned = name
            self.on_change()

    def _forgotten(self, change: Change, row: Row) -> None:
        if change is Change.REMOVED:
            self._held.pop(row, None)

    # -- verbs --------------------------------------------------------------------------------------------------

    def _sign(self, command: Command, _access: Access) -> Outcome:
        attributes = command.attributes
        for name in attributes:
            if name not in (".id", "numbers", "number", "ca", "ca-crl-host", "ca-on-smart-card", "name"):
                raise self._router.editor.unknown(name)
        reference = next((attributes[name] for name in (".id", "numbers", "number") if name in attributes), None)
        issuer = self._issuer(attributes["ca"]) if "ca" in attributes else None
        for row in rows_meant(self._table, reference):
            if row in self._held:
                raise Trap("failure: already signed")
            if "name" in attributes:
                self._router.editor.set(self._table, [row], {"name": attributes["name"]})
            self._make(row, issuer)
        return Done()

    def _issuer(self, name: str) -> tuple[Row, Held]:
        row = self._table.find(name)
        held = None if row is None else self._held.get(row)
        if row is None or held is None or not held.key_pem:
            raise Trap("input does not match any value of ca", 1)
        return row, held

    def _make(self, row: Row, issuer: tuple[Row, Held] | None) -> None:
        days = min(int(row.get("days-valid") or "365"), _MAX_DAYS)
        wish = x509.Wish(
            {name: row.get(name) for name in x509.SUBJECT_NAMES if row.get(name)},
            tuple(filter(None, row.get("subject-alt-name").split(","))),
            tuple(filter(None, row.get("key-usage").split(","))),
            row.get("key-size") or "2048",
            days,
        )
        ca = None if issuer is None else (issuer[1].pem, issuer[1].key_pem)
        made = x509.signed(wish, ca, self._router.local_time())
        self._held[row] = Held(made.pem, made.key_pem)
        authority = issuer is None or "key-cert-sign" in wish.key_usage
        facts = made.facts | {
            "private-key": "true", "authority": "true" if authority else "false", "trusted": "true",
            "invalid-before": self._stamp(made.begins), "invalid-after": self._stamp(made.ends),
        }  # fmt: skip
        if issuer is not None:
            facts["ca"] = issuer[0].get("name")
        self._table.change(row, facts)
        if row.get("name") == self._assigned:
            self.on_change()

    def _stamp(self, moment: datetime) -> str:
        return f"{self._router.format_date(moment)} {moment:%H:%M:%S}"

    def _export(self, command: Command, access: Access) -> Outcome:
        attributes = command.attributes
        reference = next((attributes[name] for name in (".id", "numbers", "number") if name in attributes), None)
        for row in rows_meant(self._table, reference):
            held = self._held.get(row)
            if held is None:
                raise Trap("failure: certificate is not signed")
            name = attributes.get("file-name") or f"cert_export_{row.get('name')}"
            self._desk.files.write_as(access, name, held.pem, suffix=".crt")
            passphrase = attributes.get("export-passphrase", "")
            if passphrase and held.key_pem:
                self._desk.files.write_as(access, name, x509.locked(held.key_pem, passphrase), suffix=".key")
        return Done()

    def _import(self, command: Command, _access: Access) -> Outcome:
        """`import file-name= passphrase= name=`: a certificate, or the key of one that is here."""
        attributes = command.attributes
        contents = self._desk.files.read(attributes.get("file-name", ""))
        if contents is None:
            raise Trap("failure: file not found")
        if len(self._table) >= MAX_CERTIFICATES:
            raise Trap("failure: too many certificates")
        found = x509.read(contents, attributes.get("passphrase", ""))
        for pem, facts in found.certificates:
            name = attributes.get("name") or f"{attributes['file-name']}_{len(self._table)}"
            row = self._router.editor.add(self._table, {"name": name, "trusted": "yes"})
            self._held[row] = Held(pem)
            self._table.change(row, facts)
        for key_pem in found.keys:
            self._join(key_pem)
        return Done()

    def _join(self, key_pem: str) -> None:
        """A key belongs to the certificate with the same public half."""
        for row, held in self._held.items():
            if not held.key_pem and x509.belongs(held.pem, key_pem):
                self._held[row] = Held(held.pem, key_pem)
                self._table.change(row, {"private-key": "true"})
