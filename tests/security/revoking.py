"""Every way in which a person comes to read a document, and loses it again."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from accounts import identity, provisioning
from accounts.models import IdentityLink, User
from connectors import adding
from tests.cast import World

NAME = "budget"
TEXT = "The aubergine budget is {word} euros."


@dataclass(frozen=True)
class Way:
    """`give` lets Ann read the document, and `take` ends it."""

    give: Callable[[World], Any]
    take: Callable[[World], Any]


def document(word: str, scope: str | None = None, **lists: Any) -> Callable[[World], Any]:
    return lambda world: world.document(NAME, scope, text=TEXT.format(word=word), **lists)


def link_of(world: World) -> IdentityLink:
    return IdentityLink.objects.get(user=world.people["ann"], ended_at=None)


def set_active(world: World, active: bool) -> None:
    User.objects.filter(pk=world.people["ann"].pk).update(is_active=active)


def ways(word: str) -> dict[str, Way]:
    """By what is lost. `word` stands in the text of the document and nowhere else."""

    def own(**lists: Any) -> Callable[[World], Any]:
        return document(word, **lists)

    def by_group(world: World) -> None:
        world.group("team", "ann", "bob")
        world.document(NAME, grants=["team"], text=TEXT.format(word=word))

    def by_nested_group(world: World) -> None:
        world.group("team", "ann")
        world.group("staff", "team", "bob")
        world.group("all", "staff")
        world.document(NAME, grants=["all"], text=TEXT.format(word=word))

    def by_folder(world: World) -> None:
        world.folder("top", ["ann"])
        world.folder("below", parent="top")
        world.document(NAME, "below", text=TEXT.format(word=word))

    return {
        "a group": Way(by_group, lambda world: world.group("team", "bob")),
        "a group that is deleted": Way(by_group, lambda world: world.delete("principal", "team")),
        "a group in a group": Way(by_nested_group, lambda world: world.group("staff", "bob")),
        "a group in a group in a group": Way(by_nested_group, lambda world: world.group("all")),
        "a folder's list": Way(by_folder, lambda world: world.folder("top", ["bob"])),
        "a folder that denies": Way(by_folder, lambda world: world.folder("top", ["ann"], deny=["ann"])),
        "a folder in between that is detached": Way(
            by_folder, lambda world: world.folder("below", ["bob"], parent="top", inherits=False)
        ),
        "a folder in between that is restricted": Way(
            by_folder, lambda world: world.folder("below", parent="top", restrictions=[["bob"]])
        ),
        "a folder that is deleted": Way(by_folder, lambda world: world.delete("scope", "top")),
        "another folder": Way(by_folder, lambda world: world.reshare("document", NAME, "nowhere")),
        "the document's own list": Way(
            own(grants=["ann"]), lambda world: world.reshare("document", NAME, None, ["bob"])
        ),
        "the document, sent again for others": Way(own(grants=["ann"]), own(grants=["bob"])),
        "everyone": Way(own(grants=["everyone"]), lambda world: world.reshare("document", NAME, None, ["bob"])),
        "a link an administrator ends": Way(own(grants=["ann"]), lambda world: identity.revoke(link_of(world))),
        "an account without the address": Way(own(grants=["ann"]), lambda world: world.account("ann", email=None)),
        "an account that is deleted": Way(own(grants=["ann"]), lambda world: world.delete("principal", "ann")),
        "a person who is deactivated": Way(
            own(grants=["ann"]), lambda world: provisioning.deactivate(world.people["ann"])
        ),
        "a person who is made inactive": Way(own(grants=["ann"]), lambda world: set_active(world, False)),
        "a person whose address is in doubt": Way(
            own(grants=["ann"]),
            lambda world: User.objects.filter(email="ann@example.org").update(email_verified_at=None),
        ),
        "a source that is paused": Way(own(grants=["ann"]), lambda world: adding.pause(world.source)),
        "a source that is deleted": Way(own(grants=["ann"]), lambda world: adding.delete_source(world.source)),
        "a document that is deleted": Way(own(grants=["ann"]), lambda world: world.delete("document", NAME)),
    }


# Ways that go back and forth, for many tries: each end is one committed change.
SWINGS = (
    Way(lambda world: world.group("team", "ann"), lambda world: world.group("team")),
    Way(lambda world: world.group("staff", "team"), lambda world: world.group("staff")),
    Way(lambda world: world.folder("top", ["staff"]), lambda world: world.folder("top", ["bob"])),
    Way(
        lambda world: world.folder("below", parent="top"),
        lambda world: world.folder("below", parent="top", restrictions=[["bob"]]),
    ),
    Way(
        lambda world: world.reshare("document", NAME, "below"),
        lambda world: world.reshare("document", NAME, "below", deny=["team"]),
    ),
    Way(lambda world: adding.resume(world.source), lambda world: adding.pause(world.source)),
    Way(lambda world: set_active(world, True), lambda world: set_active(world, False)),
)
