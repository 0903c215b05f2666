"""`/system/backup` and `/system/reset-configuration`: the whole configuration kept, brought back, or forgotten."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from lab.mikrotik.console.certificates import Held
from lab.mikrotik.console.stored import Picture, erase, put_back, take
from lab.mikrotik.delivery import deliver
from lab.mikrotik.errors import ScriptError, Trap, no_permission
from lab.mikrotik.speech.commands import Access, Command, Done, Outcome, Rebooting, Verb

if TYPE_CHECKING:
    from lab.mikrotik.console.desk import Desk

_USERS = ("/user", "/user/group")
_YES = ("", "yes", "true")
# A backup's contents are nobody's business: a header, then noise that stands for the picture kept aside.
_MAGIC = "\x88\xac\xa1\xb1"
_BYTES_PER_ROW = 96
MAX_BACKUPS = 100


class Backups:
    """Saves and loads; the pictures themselves are kept beside the files that name them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._router = desk.router
        self._pictures: dict[str, tuple[Picture, dict[str, Held], str]] = {}
        verbs = self._router.verbs
        verbs[("/system/backup", "save")] = Verb(self._save, policy="ftp")
        verbs[("/system/backup", "load")] = Verb(self._load, policy="policy")
        verbs[("/system", "reset-configuration")] = Verb(self._reset, policy="policy")

    # -- backups ------------------------------------------------------------------------------------------------

    def _save(self, command: Command, access: Access) -> Outcome:
        attributes = command.attributes
        self._known(attributes, "name", "password", "dont-encrypt", "encryption")
        name = attributes.get("name") or self._default_name()
        self.save(access, name, attributes.get("password", ""))
        return Done()

    def save(self, access: Access, name: str, password: str = "") -> None:
        """Keep the configuration in a file of this name."""
        picture = take(self._router.tables)
        size = 4_096 + _BYTES_PER_ROW * sum(len(rows) for rows in picture.rows.values())
        seal = hashlib.sha256(f"{name}/{self._router.boots}/{self._router.now_us()}".encode()).hexdigest()
        contents = (_MAGIC + seal).ljust(size, "\x00")
        self._desk.files.write_as(access, name, contents, suffix=".backup")
        if len(self._pictures) >= MAX_BACKUPS:
            self._pictures.pop(next(iter(self._pictures)))
        self._pictures[seal] = (picture, self._desk.certificates.kept(), password)

    def _default_name(self) -> str:
        moment = self._router.local_time()
        return f"{self._router.tables.setting('/system/identity', 'name')}-{moment:%Y%m%d-%H%M}"

    def _load(self, command: Command, _access: Access) -> Outcome:
        attributes = command.attributes
        self._known(attributes, "name", "password", "force-v6-to-v7-configuration-upgrade")
        name = attributes.get("name", "")
        contents = self._desk.files.read(name) or self._desk.files.read(f"{name}.backup")
        if contents is None:
            raise Trap("failure: backup file not found")
        kept = self._pictures.get(contents[len(_MAGIC) : len(_MAGIC) + 64])
        if kept is None:
            raise Trap("failure: not a backup file")
        picture, keys, password = kept
        if password != attributes.get("password", ""):
            raise Trap("failure: wrong password")
        self._desk.before_boot(lambda: self._put_back(picture, keys))
        return Rebooting()

    def _put_back(self, picture: Picture, keys: dict[str, Held]) -> None:
        put_back(self._router, picture)
        self._desk.certificates.take_back(keys)

    def _known(self, attributes: dict[str, str], *names: str) -> None:
        for name in attributes:
            if name not in names:
                raise self._router.editor.unknown(name)

    # -- reset --------------------------------------------------------------------------------------------------

    def _reset(self, command: Command, access: Access) -> Outcome:
        attributes = command.attributes
        self._known(attributes, "keep-users", "no-defaults", "skip-backup", "run-after-reset", "caps-mode")
        if "reboot" not in access.policies:
            raise no_permission()
        chosen = {name for name in attributes if attributes[name] in _YES and name != "run-after-reset"}
        after = attributes.get("run-after-reset", "")
        script = self._desk.files.read(after) if after else ""
        if script is None:
            raise Trap("input does not match any value of run-after-reset", 1)
        if "skip-backup" not in chosen:
            self.save(self._desk.anybody(), "auto-before-reset")
        self.plan_reset(keep_users="keep-users" in chosen, no_defaults="no-defaults" in chosen, script=script)
        return Rebooting()

    def plan_reset(self, *, keep_users: bool = False, no_defaults: bool = False, script: str = "") -> None:
        """At the next boot: as delivered, or with nothing at all; then the script."""

        def act() -> None:
            erase(self._router, _USERS if keep_users else ())
            self._deliver(no_defaults=no_defaults, keep_users=keep_users)

        self._desk.before_boot(act)
        if script:
            self._desk.after_boot(lambda: self._run_after(script))

    def _deliver(self, *, no_defaults: bool, keep_users: bool) -> None:
        """The factory's user is `admin`, with the password on the sticker; nobody else's account comes back."""
        setup, tables = self._router.setup, self._router.tables
        password = setup.password if setup.user == "admin" else ""
        empty = setup.empty or no_defaults
        users = tables.get("/user")
        if keep_users and len(users):
            kept = [dict(row.values) for row in users]
            for row in list(users):
                users.remove(row)
            deliver(tables, self._router.editor, user="admin", password=password, group="full", empty=empty)
            for row in list(users):
                users.remove(row)
            for values in kept:
                users.insert(values)
            return
        deliver(tables, self._router.editor, user="admin", password=password, group="full", empty=empty)

    def _run_after(self, script: str) -> None:
        try:
            self._desk.run(script, whole=False)
        except ScriptError as error:
            self._router.log("script,error", f"run-after-reset failed: {self._desk.scripts.shown(error)}")
