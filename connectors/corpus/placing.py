"""Where documents stand: scopes by their name, scopes made for documents of their own, and moves between them.

The caller holds the directory's lock.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts import principals
from connectors.corpus import access
from connectors.corpus.conditions import Condition
from connectors.errors import RecordRefused
from connectors.models import Document, Scope
from connectors.records import Access


@dataclass
class Places:
    """The scopes of one source while one transaction changes them. `changed` wait for `settle`."""

    source_id: int
    changed: set[int] = field(default_factory=set)
    _acls: dict[Condition, int] = field(default_factory=dict)
    _named: dict[str, int] = field(default_factory=dict)
    _made: dict[tuple[int | None, int | None, int | None, bool], int] = field(default_factory=dict)

    def forget(self) -> None:
        """What was looked up or made may have been rolled back."""
        for remembered in (self._acls, self._named, self._made):
            remembered.clear()

    def settle(self, *, refuse_cycles: bool) -> None:
        """Make effective conditions follow what changed."""
        if not self.changed:
            return
        if refuse_cycles and access.cycle_through(self.changed):
            raise RecordRefused("scope_cycle", "A scope cannot be below itself. Nothing was changed.")
        access.refresh(self.source_id, self.changed)
        self.changed.clear()

    def named(self, external_id: str) -> int:
        """The scope of this id; one nobody has introduced admits nobody until it is."""
        if external_id not in self._named:
            self._named[external_id], _ = self._found_or_made(external_id=external_id)
        return self._named[external_id]

    def introduced(self) -> set[str]:
        """The ids of the scopes the source has introduced."""
        rows = Scope.past_the_guard.filter(source_id=self.source_id, introduced=True)
        return {id for id in rows.values_list("external_id", flat=True) if id is not None}

    def of(self, scope: str | None, wanted: Access) -> int:
        """The scope in which a document with these lists stands under `scope` (P5)."""
        parent = self.named(scope) if scope is not None else None
        if wanted.problem:
            return self.nobody()
        if parent is not None and wanted.is_plain:
            return parent
        return self._gateway_made(parent, None, self.own_acl(wanted), wanted.inherits)

    def nobody(self) -> int:
        """The scope of documents whose readers are not known: nobody may read them, not even by break-glass."""
        return self._gateway_made(None, None, None, inherits=False)

    def both(self, old: int, new: int) -> int:
        """The scope that admits whom both admit, while text of `old` waits to be replaced by text of `new`."""
        scope = Scope.past_the_guard.get(pk=old)
        if scope.also_id is not None:
            assert scope.parent_id is not None
            old = scope.parent_id
        return old if old == new else self._gateway_made(old, new, self._interned(Condition()), inherits=True)

    def own_acl(self, wanted: Access) -> int:
        ids = principals.named(
            self.source_id,
            {
                *(entry.id for entry in wanted.grants),
                *(id for clause in wanted.restrictions for id in clause),
                *wanted.deny,
            },
        )
        grants = principals.with_ends((ids[entry.id], entry.until) for entry in wanted.grants)
        restrictions = ([ids[id] for id in clause] for clause in wanted.restrictions)
        return self._interned(Condition.of(grants, restrictions, (ids[id] for id in wanted.deny)))

    def _interned(self, condition: Condition) -> int:
        if condition not in self._acls:
            self._acls |= access.intern(self.source_id, [condition])
        return self._acls[condition]

    def _gateway_made(self, parent: int | None, also: int | None, own_acl: int | None, inherits: bool) -> int:
        key = (parent, also, own_acl, inherits)
        if key not in self._made:
            self._made[key], made = self._found_or_made(
                {"introduced": own_acl is not None},
                external_id=None,
                parent_id=parent,
                also_id=also,
                own_acl_id=own_acl,
                inherits=inherits,
            )
            if made:
                self.changed.add(self._made[key])
        return self._made[key]

    def _found_or_made(self, made_with: Mapping[str, Any] | None = None, **named_by: Any) -> tuple[int, bool]:
        found = Scope.past_the_guard.filter(source_id=self.source_id, **named_by).values_list("pk", flat=True).first()
        if found is not None:
            return found, False
        scope = Scope(source_id=self.source_id, **named_by, **(made_with or {}))
        Scope.past_the_guard.bulk_create([scope])
        return scope.pk, True


def sweep(source_id: int) -> None:
    """Forget scopes the gateway made that nothing stands in any more."""
    used = Document.past_the_guard.filter(source_id=source_id)
    made = Scope.past_the_guard.filter(source_id=source_id, external_id=None, own_acl__isnull=False)
    below = Scope.past_the_guard.filter(source_id=source_id, parent__isnull=False).values("parent")
    made = made.exclude(id__in=used.values("scope")).exclude(
        id__in=used.filter(next_scope__isnull=False).values("next_scope")
    )
    made = made.exclude(id__in=below).exclude(
        id__in=Scope.past_the_guard.filter(source_id=source_id, also__isnull=False).values("also")
    )
    made.delete()
