"""Defects with a name, to show that a run would find them: a kit that cannot fail proves nothing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from accounts.statements import execute, rows
from tests.leakproof.ground import Ground

DEFINITION = "SELECT pg_get_functiondef(%s::regprocedure)"
SCOPES = "gatehouse_admitted_scopes(bigint,bigint)"
PRINCIPALS = "gatehouse_principals(bigint)"
SOURCES = "gatehouse_open_sources(bigint,bigint)"
GLASS_SCOPES = "gatehouse_glass_scopes(bigint)"
EVERYONE = "gatehouse_scopes_of_everyone()"


@dataclass(frozen=True)
class InSql:
    """A function of the database with some of its text replaced."""

    function: str
    text: str
    by: str

    def __call__(self) -> None:
        definition: str = rows(DEFINITION, [self.function])[0][0]
        if self.text not in definition:
            raise LookupError(f"{self.function} no longer says {self.text!r}: write this defect anew.")
        execute(definition.replace(self.text, self.by).replace("%", "%%"))


@dataclass(frozen=True)
class InPython:
    """A function of ours replaced, until it is mended."""

    module: str
    name: str
    by: Callable[..., Any] = field(default=lambda *args, **kwargs: None)

    def put_in(self) -> Callable[[], None]:
        """Returns what mends it."""
        module = import_module(self.module)
        whole = getattr(module, self.name)
        setattr(module, self.name, self.by)
        return lambda: setattr(module, self.name, whole)


DEFECTS: dict[str, InSql | InPython] = {
    "deny-ignored": InSql(SCOPES, "AND g.id NOT IN (SELECT m.acl_id FROM met m WHERE m.clause = 0)", ""),
    "unknown-denied-ignored": InSql(SCOPES, "AND g.id NOT IN (SELECT h.acl_id FROM hiding h)", ""),
    "deny-without-account": InSql(SCOPES, "(g.recognises", "(true"),
    "restrictions-ored": InSql(
        SCOPES, "g.clauses = 1 OR", "g.clauses = 1 OR g.id IN (SELECT m.acl_id FROM met m WHERE m.clause > 1) OR"
    ),
    "grants-never-end": InSql(SCOPES, "AND (e.until IS NULL OR e.until > statement_timestamp())", ""),
    "nesting-one-level": InSql(PRINCIPALS, "c.holder_id = direct.id", "false"),
    "everyone-also-external": InSql(PRINCIPALS, "NOT person.external AND", ""),
    "memberships-never-end": InSql(PRINCIPALS, "m.until IS NULL OR m.until > statement_timestamp()", "true"),
    "freshness-ignored": InSql(SOURCES, "s.max_permission_age IS NULL", "true"),
    "pause-ignored": InSql(SOURCES, "s.enabled", "true"),
    "token-reads-everywhere": InSql(SOURCES, "t.all_sources OR", "true OR"),
    "glass-never-ends": InSql(GLASS_SCOPES, "b.ended_at IS NULL AND b.until > statement_timestamp()", "true"),
    "glass-opens-detached": InSql(GLASS_SCOPES, "AND s.inherits", ""),
    "unidentified-reads-restricted": InSql(EVERYONE, "a.clauses = met.clauses", "true"),
    "closure-not-updated": InPython("accounts.principals", "refresh_closure"),
    "links-not-updated": InPython("accounts.identity", "link_accounts"),
}


@contextmanager
def broken(ground: Ground, name: str) -> Iterator[None]:
    """Worlds have this defect inside."""
    defect = DEFECTS[name]
    if isinstance(defect, InSql):
        ground.spoil = defect
    mend = defect.put_in() if isinstance(defect, InPython) else None
    try:
        yield
    finally:
        ground.spoil = lambda: None
        if mend is not None:
            mend()
