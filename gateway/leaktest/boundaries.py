"""Every boundary between those who may read and those who may not: how it is planted, and how it moves.

At first a document stands open to `first`; then something changes, and from that commit on `then` alone read it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from accounts.reader import Reader
from connectors import adding, applying
from connectors.corpus import breaking_glass
from connectors.corpus.reading import list_documents
from connectors.models import Source
from gateway.leaktest.planting import Bed, database_now, until

READER = frozenset({"reader"})
BOTH = frozenset({"reader", "loser"})
NOBODY: frozenset[str] = frozenset()
LATER = timedelta(hours=1)
AT_ONCE = timedelta(seconds=1)

Deed = Callable[[Bed], None]


@dataclass(frozen=True)
class Boundary:
    """What separates whom, the rules that say so, and the change that moves it while people look."""

    name: str
    rules: str
    plant: Deed
    first: frozenset[str] = BOTH
    change: Deed | None = None
    then: frozenset[str] = READER
    source: str = "main"
    takes: timedelta = timedelta(0)  # until the change holds

    def readers(self, *, changed: bool) -> frozenset[str]:
        return self.then if changed else self.first


def documents_of(bed: Bed, person: str) -> dict[str, UUID]:
    """What this person reads in the bed's source, by the guard: the source's id → the gateway's own."""
    reader = Reader(bed.plot.people[person].user.pk)
    return {each.external_id: each.id for each in list_documents(reader, source=bed.source.key, limit=1_000)}


# --- P4: lists -----------------------------------------------------------------------------------------------


def granted(bed: Bed) -> None:
    bed.document(["reader"])


def granted_to_leaver_too(bed: Bed) -> None:
    bed.document(["reader", "leaver"])


def granted_to_both(bed: Bed) -> None:
    bed.document(["reader", "loser"])


def deny_a_group(bed: Bed) -> None:
    bed.group("agency", "loser")
    bed.group("contractors", "agency")
    bed.reshare(["reader", "loser"], deny=["contractors"])


def deny_somebody_unknown(bed: Bed) -> None:
    bed.reshare(["reader", "loser"], deny=["nobody-knows-them"])


def in_a_folder(bed: Bed) -> None:
    bed.folder("folder", ["reader", "loser"])
    bed.document(scope="folder")


def lose_the_list(bed: Bed) -> None:
    """The source says that the folder's list has changed, and it cannot be read."""
    applying.hide(bed.source, "scope", f"{bed.prefix}/folder")


def delete_the_folder(bed: Bed) -> None:
    bed.delete("scope", "folder")


def empty_the_list(bed: Bed) -> None:
    bed.reshare()


# --- P2, P3: who holds what ----------------------------------------------------------------------------------


def in_nested_groups(bed: Bed) -> None:
    bed.group("team", "reader", "loser")
    bed.group("department", "team")
    bed.group("staff", "department")
    bed.document(["staff"])


def leave_the_team(bed: Bed) -> None:
    bed.group("team", "reader")


def in_a_group_in_a_group(bed: Bed) -> None:
    bed.group("team", "loser")
    bed.group("staff", "team", "reader")
    bed.document(["staff"])


def leave_the_staff(bed: Bed) -> None:
    bed.group("staff", "reader")


def in_a_circle(bed: Bed) -> None:
    bed.group("a", "reader", "loser", "c")
    bed.group("b", "a")
    bed.group("c", "b")
    bed.document(["c"])


def leave_the_circle(bed: Bed) -> None:
    bed.group("a", "reader", "c")


def by_a_group(bed: Bed) -> None:
    bed.group("club", "loser")
    bed.document(["club", "reader"])


def make_the_group_again(bed: Bed) -> None:
    bed.delete("principal", "club")
    bed.group("club", "loser")


def two_of_one_name(bed: Bed) -> None:
    """The same name in the source, and the same id in another."""
    bed.group("council", "reader", shown="Council")
    bed.group("council-of-others", "loser", shown="Council")
    twin = Bed(bed.plot, "other", bed.prefix, bed.canary)
    twin.group("council", "reader", "loser", shown="Council")
    bed.document(["council"])


def for_everyone_inside(bed: Bed) -> None:
    """Restricted to planted people, so that nobody real reads it."""
    bed.group("planted", "reader", "guest")
    bed.document(["everyone"], restrictions=[["planted"]])


def for_full_members(bed: Bed) -> None:
    bed.group("planted", "reader", "loser")
    bed.document(["*"], restrictions=[["planted"]])


def be_external(bed: Bed) -> None:
    bed.plot.account("main", "loser", external=True)


def for_a_linked_account(bed: Bed) -> None:
    bed.document(["reader", "unlinked"])


def end_the_link(bed: Bed) -> None:
    bed.plot.account("links", "unlinked", linked=False)


# --- P5: the tree --------------------------------------------------------------------------------------------


def below_a_restriction(bed: Bed) -> None:
    bed.group("legal", "reader", "loser")
    bed.folder("space", ["reader", "loser"], restrictions=[["legal"]])
    bed.folder("page", parent="space")
    bed.document(scope="page")


def leave_the_lawyers(bed: Bed) -> None:
    bed.group("legal", "reader")


def below_two_restrictions(bed: Bed) -> None:
    bed.group("legal", "reader")
    bed.group("named", "reader", "loser")
    bed.folder("space", ["reader", "loser"])
    bed.folder("page", parent="space", restrictions=[["legal"]])
    bed.folder("page below", parent="page", restrictions=[["named"]])
    bed.document(scope="page below")


def meet_the_other_restriction(bed: Bed) -> None:
    bed.group("legal", "reader", "loser")
    bed.group("named", "reader")


def below_an_open_folder(bed: Bed) -> None:
    bed.folder("open", ["reader", "loser"])
    bed.folder("below", ["reader"], parent="open")
    bed.document(scope="below")


def detach_it(bed: Bed) -> None:
    bed.folder("below", ["reader"], parent="open", inherits=False)


def put_it_under_an_unknown_folder(bed: Bed) -> None:
    bed.folder("folder", ["reader", "loser"], parent="nobody-knows-it")


def restrict_the_document(bed: Bed) -> None:
    bed.reshare(scope="folder", restrictions=[["reader"]])


def with_a_closed_folder_beside(bed: Bed) -> None:
    in_a_folder(bed)
    bed.folder("closed", ["reader"])


def move_it(bed: Bed) -> None:
    bed.reshare(scope="closed")


# --- P6, P7: documents and sources ---------------------------------------------------------------------------


def delete_it(bed: Bed) -> None:
    bed.delete("document")


def pause_the_source(bed: Bed) -> None:
    adding.pause(bed.source)


def in_a_fresh_source(bed: Bed) -> None:
    Source.objects.filter(pk=bed.source.pk).update(max_permission_age=LATER, permissions_verified_at=database_now())
    bed.document(["reader", "loser"])


def let_it_go_stale(bed: Bed) -> None:
    Source.objects.filter(pk=bed.source.pk).update(permissions_verified_at=database_now() - LATER + AT_ONCE)


# --- P17: ends; P12: break-glass -----------------------------------------------------------------------------


def granted_for_a_time(bed: Bed) -> None:
    bed.document(["reader", until("loser", database_now() + LATER)])


def let_the_grant_end(bed: Bed) -> None:
    bed.reshare(["reader", until("loser", database_now() + AT_ONCE)])


def member_for_a_time(bed: Bed) -> None:
    bed.group("project", "reader", until("loser", database_now() + LATER))
    bed.group("programme", "project")
    bed.document(["programme"])


def let_the_membership_end(bed: Bed) -> None:
    bed.group("project", "reader", until("loser", database_now() + AT_ONCE))


def behind_glass(bed: Bed) -> None:
    bed.document(["reader"])
    found = documents_of(bed, "reader").get(bed.document_id)
    if found is not None:  # otherwise the boundary is blind, and is told so
        broken(bed, document=found)


def folder_behind_glass(bed: Bed) -> None:
    bed.folder("folder", ["reader"])
    bed.folder("below", parent="folder")
    bed.document(scope="below")
    broken(bed, scope=(bed.source.key, f"{bed.prefix}/folder"))


def broken(bed: Bed, *, document: UUID | None = None, scope: tuple[str, str] | None = None) -> None:
    people = bed.plot.people
    bed.glasses.append(
        breaking_glass.break_glass(
            user=people["loser"].user,
            given_by=people["administrator"].user,
            reason="The leak test looks whether it ends.",
            until=database_now() + LATER,
            document=document,
            scope=scope,
        )
    )


def end_the_glass(bed: Bed) -> None:
    for glass in bed.glasses:
        breaking_glass.end(glass)


def detach_what_is_below(bed: Bed) -> None:
    """Break-glass on a folder does not reach what no longer inherits from it."""
    bed.folder("below", ["reader"], parent="folder", inherits=False)


BOUNDARIES = (
    Boundary("granted, and not granted", "P4", granted, first=READER),
    Boundary("granted, then an empty list", "P4 P18", granted_to_both, change=empty_the_list, then=NOBODY),
    Boundary("a group in a denied group", "P2 P4", granted_to_both, change=deny_a_group),
    Boundary("an unknown name is denied", "P4", granted_to_both, change=deny_somebody_unknown, then=NOBODY),
    Boundary("a folder whose new list is unreadable", "P4", in_a_folder, change=lose_the_list, then=NOBODY),
    Boundary("a member of a nested group who leaves", "P2 P15", in_nested_groups, change=leave_the_team),
    Boundary("a group that leaves a group", "P2 P15", in_a_group_in_a_group, change=leave_the_staff),
    Boundary("groups in a circle", "P2", in_a_circle, change=leave_the_circle),
    Boundary("a group deleted and made again", "P3", by_a_group, change=make_the_group_again),
    Boundary("two groups of one name, or of one id", "P3", two_of_one_name, first=READER),
    Boundary("an external person, and everyone", "P2", for_everyone_inside, first=READER),
    Boundary("an account that is no full member any more", "P3", for_full_members, change=be_external),
    Boundary(
        "an account that is somebody's no longer",
        "P13",
        for_a_linked_account,
        first=frozenset({"reader", "unlinked"}),
        change=end_the_link,
        source="links",
    ),
    Boundary("below a restricted folder", "P5", below_a_restriction, change=leave_the_lawyers),
    Boundary(
        "a restricted page below a restricted page",
        "P5",
        below_two_restrictions,
        first=READER,
        change=meet_the_other_restriction,
    ),
    Boundary("detached below an open folder", "P5", below_an_open_folder, change=detach_it),
    Boundary("a folder whose parent is unknown", "P5", in_a_folder, change=put_it_under_an_unknown_folder, then=NOBODY),
    Boundary("a folder that is deleted", "P5", in_a_folder, change=delete_the_folder, then=NOBODY),
    Boundary("a document with lists of its own", "P5", in_a_folder, change=restrict_the_document),
    Boundary("a document moved to a closed folder", "P9 P15", with_a_closed_folder_beside, change=move_it),
    Boundary("a deleted document", "P6", granted_to_both, change=delete_it, then=NOBODY),
    Boundary("a paused source", "P7", granted_to_both, change=pause_the_source, then=NOBODY, source="paused"),
    Boundary(
        "a source whose permissions are too old",
        "P7",
        in_a_fresh_source,
        change=let_it_go_stale,
        then=NOBODY,
        source="stale",
        takes=AT_ONCE,
    ),
    Boundary("a grant that ends", "P17", granted_for_a_time, change=let_the_grant_end, takes=AT_ONCE),
    Boundary("a membership that ends", "P17", member_for_a_time, change=let_the_membership_end, takes=AT_ONCE),
    Boundary("break-glass on a document, ended", "P12", behind_glass, change=end_the_glass),
    Boundary("break-glass on a folder, ended", "P12", folder_behind_glass, change=end_the_glass),
    Boundary("detached below a folder behind glass", "P12", folder_behind_glass, change=detach_what_is_below),
    Boundary("a person who is deactivated", "P1", granted_to_leaver_too, first=frozenset({"reader", "leaver"})),
    Boundary("a token for another source", "P11", granted, first=READER, source="other"),
)
