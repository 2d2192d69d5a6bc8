"""Folders read by owners, groups, modes and access lists: real files, and the kernel's word for who may open them."""

import grp
import json
import os
import pwd
import random
import struct
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accounts.models import User
from accounts.reader import Reader
from connectors import adding, ingest, sync
from connectors.corpus.reading import list_documents
from connectors.models import Source, SyncRun
from connectors.records import Access, Checkpoint, DocumentRecord, Entry, PrincipalRecord, Problem, Record, ScopeRecord
from connectors.sources import posix
from connectors.sources.base import ConnectorError
from connectors.sources.folder import Folder
from connectors.sources.posix import Bits, System, Unknown, of_list, of_mode
from tests.cast import person
from tests.conftest import IN_CI
from tests.connectors.test_folder import NOBODY, as_nobody, documents, ended_complete, plant, problems, scopes

AS_ROOT = os.geteuid() == 0
ANN, TEAM = (41_001, 51_001) if AS_ROOT else (os.getuid(), os.getgid())  # whose files anybody who runs this may make
BOB, CAROL, DAVE, BOARD, CLUB = 41_002, 41_003, 41_004, 51_002, 51_003
MEMBERS = {TEAM: {ANN, BOB}, BOARD: {ANN}, CLUB: {CAROL}}


def user(name: str, uid: int, gid: int = 51_009, gecos: str = "") -> pwd.struct_passwd:
    return pwd.struct_passwd((name, "x", uid, gid, gecos, f"/home/{name}", "/bin/sh"))


def group(name: str, gid: int, *members: str) -> grp.struct_group:
    return grp.struct_group((name, "x", gid, list(members)))


def machine() -> System:
    """Ann and Bob are in the team, Ann is in the board too, Carol in the club, Dave in none of them."""
    users = [user("ann", ANN, TEAM, "Ann Weber,Room 4"), user("bob", BOB), user("carol", CAROL), user("dave", DAVE)]
    groups = [group("team", TEAM, "bob"), group("board", BOARD, "ann", "ghost"), group("club", CLUB, "carol")]
    return System.of(users, groups, first=1)


class Share(Folder):
    def machine(self) -> System:
        return machine()


@pytest.fixture
def root() -> Iterator[Path]:
    """Where every account may come: what pytest gives is its owner's alone."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        share = Path(folder) / "share"
        share.mkdir()
        for each in (Path(folder), share):
            each.chmod(0o755)
        yield share


def share(root: Path, **settings: str) -> Share:
    return Share({"path": str(root), "readers": "posix", **settings})


def read(root: Path, **settings: str) -> list[Record]:
    return list(share(root, **settings).records(None))


def made(path: Path, mode: int, uid: int = ANN, gid: int = TEAM) -> Path:
    if not path.exists():
        path.write_text("Words.")
    os.chown(path, uid, gid)
    path.chmod(mode)
    return path


def listed(*entries: tuple[int, int, int]) -> bytes:
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def access_list(owner: int, owning: int, others: int, mask: int, *named: tuple[int, int, int]) -> bytes:
    """`named`: tag, bits and number, users first."""
    none = 0xFFFF_FFFF
    users = [(tag, bits, id) for tag, bits, id in named if tag == posix.USER]
    groups = [(tag, bits, id) for tag, bits, id in named if tag == posix.GROUP]
    return listed(
        (posix.OWNER, owner, none),
        *sorted(users, key=lambda entry: entry[2]),
        (posix.OWNING, owning, none),
        *sorted(groups, key=lambda entry: entry[2]),
        (posix.MASK, mask, none),
        (posix.OTHERS, others, none),
    )


def with_list(path: Path, content: bytes) -> Path:
    try:
        os.setxattr(path, posix.ACCESS_LIST, content)
    except OSError as error:
        (pytest.fail if IN_CI else pytest.skip)(f"/tmp keeps no access lists: {error}")
    return path


def groups_of(uid: int) -> set[str]:
    return {f"gid:{gid}" for gid, members in MEMBERS.items() if uid in members}


def readers(records: list[Record]) -> dict[str, set[int]]:
    """Who reads each document, by the rules P4 and P5 alone."""
    found = scopes(records)

    def admits(access: Access, uid: int) -> bool:
        own = {f"uid:{uid}", "*", *groups_of(uid)}
        return not access.problem and all(own & set(each) for each in access.restrictions) and not access.deny

    def chain(scope: str | None) -> list[ScopeRecord]:
        return [] if scope is None else [found[scope], *chain(found[scope].parent)]

    def may(document: DocumentRecord, uid: int) -> bool:
        above = chain(document.scope)
        assert above[-1].access.grants == (Entry(id="*"),)
        return all(admits(each, uid) for each in (document.access, *(scope.access for scope in above)))

    everybody = (ANN, BOB, CAROL, DAVE)
    return {id: {uid for uid in everybody if may(record, uid)} for id, record in documents(records).items()}


# --- who reads --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "who"),
    [
        (0o644, {ANN, BOB, CAROL, DAVE}),
        (0o640, {ANN, BOB}),
        (0o600, {ANN}),
        (0o000, set()),
        (0o040, {BOB}),  # the owner is of the owner's class alone
        (0o604, {ANN, CAROL, DAVE}),  # and the group of the group's
        (0o044, {BOB, CAROL, DAVE}),
        (0o004, {CAROL, DAVE}),
        (0o311, set()),
        (0o777, {ANN, BOB, CAROL, DAVE}),
    ],
    ids=lambda value: oct(value) if isinstance(value, int) else "",
)
def test_the_first_class_somebody_belongs_to_decides(root: Path, mode: int, who: set[int]) -> None:
    made(root / "a.txt", mode)

    can_be_opened = AS_ROOT or mode & 0o400  # by whoever runs this, who is Ann unless it is root
    assert readers(read(root)) == {"a.txt": who if can_be_opened else set()}


def test_what_is_open_to_all_accounts_is_open_to_those_of_this_machine_and_not_to_the_organisation(root: Path) -> None:
    made(root / "a.txt", 0o644)
    records = read(root)

    assert scopes(records)["."].access == Access(grants=(Entry(id="*"),))
    assert documents(records)["a.txt"].access.is_plain


@pytest.mark.parametrize(
    ("mode", "who"),
    [(0o755, {ANN, BOB, CAROL, DAVE}), (0o750, {ANN, BOB}), (0o700, {ANN}), (0o705, {ANN, CAROL, DAVE})],
    ids=lambda value: oct(value) if isinstance(value, int) else "",
)
def test_each_folder_above_must_be_open_too(root: Path, mode: int, who: set[int]) -> None:
    below = root / "a" / "b"
    below.mkdir(parents=True)
    made(below / "c.txt", 0o644)
    made(root / "a", mode)

    assert readers(read(root)) == {"a/b/c.txt": who}


@pytest.mark.parametrize("mode", [0o711, 0o744], ids=["searched and not listed", "listed and not searched"])
def test_what_somebody_would_have_to_know_of_to_find_it_is_not_found_here_either(root: Path, mode: int) -> None:
    (root / "a").mkdir()
    made(root / "a" / "b.txt", 0o644)
    made(root / "a", mode)

    assert readers(read(root)) == {"a/b.txt": {ANN}}


def test_folders_above_the_root_must_let_somebody_through(root: Path) -> None:
    made(root / "a.txt", 0o644)
    made(root.parent, 0o711)
    assert readers(read(root)) == {"a.txt": {ANN, BOB, CAROL, DAVE}}

    made(root.parent, 0o710)
    assert readers(read(root)) == {"a.txt": {ANN, BOB}}


def test_what_a_folder_wants_already_is_not_said_again_of_what_is_in_it(root: Path) -> None:
    (root / "a" / "b").mkdir(parents=True)
    for path in (root / "a", root / "a" / "b"):
        made(path, 0o750)
    made(root / "a" / "b" / "c.txt", 0o640)
    records = read(root)

    assert scopes(records)["a"].access == Access(restrictions=((f"uid:{ANN}", f"gid:{TEAM}"),))
    assert scopes(records)["a/b"].access.is_plain
    assert documents(records)["a/b/c.txt"].access.is_plain


def test_an_access_list_names_users_and_groups_and_its_mask_narrows_them(root: Path) -> None:
    named = [(posix.USER, 4, CAROL), (posix.GROUP, 6, BOARD)]
    with_list(made(root / "a.txt", 0o640), access_list(6, 0, 0, 4, *named))
    with_list(made(root / "b.txt", 0o640), access_list(6, 4, 0, 2, *named))
    with_list(made(root / "c.txt", 0o640), access_list(6, 4, 4, 7, (posix.USER, 0, BOB), (posix.GROUP, 0, CLUB)))

    assert readers(read(root)) == {"a.txt": {ANN, CAROL}, "b.txt": {ANN}, "c.txt": {ANN, DAVE}}


def test_a_list_on_a_folder_counts_as_its_mode_does(root: Path) -> None:
    (root / "a").mkdir()
    made(root / "a" / "b.txt", 0o644)
    with_list(made(root / "a", 0o750), access_list(7, 0, 0, 7, (posix.GROUP, 5, CLUB)))

    assert readers(read(root)) == {"a/b.txt": {ANN, CAROL}}


# --- the kernel's own word --------------------------------------------------------------------------------------

FOLDER_MODES = (0o755, 0o755, 0o750, 0o700, 0o705, 0o711, 0o751, 0o770, 0o057)
FILE_MODES = (0o644, 0o640, 0o600, 0o604, 0o040, 0o044, 0o004, 0o660, 0o000)


def planted(root: Path, seed: int, *, lists: bool) -> None:
    """Folders and files with rights at random; each its owner's and group's that this process may give away."""
    dice = random.Random(seed)
    owners = [ANN, BOB, CAROL] if AS_ROOT else [ANN]
    groups = [TEAM, BOARD, CLUB] if AS_ROOT else [TEAM]
    folders = [root]
    for number in range(8):
        below = dice.choice(folders) / f"f{number}"
        below.mkdir()
        folders.append(below)
    files = [made(dice.choice(folders) / f"{number}.txt", 0o600) for number in range(30)]
    for path in [*files, *reversed(folders[1:])]:
        made(path, dice.choice(FOLDER_MODES if path.is_dir() else FILE_MODES), dice.choice(owners), dice.choice(groups))
        if lists and dice.random() < 0.5:
            named = [
                *((posix.USER, dice.choice((0, 4, 5, 7)), uid) for uid in dice.sample([ANN, BOB, CAROL, DAVE], 2)),
                *((posix.GROUP, dice.choice((0, 4, 5, 7)), gid) for gid in dice.sample([TEAM, BOARD, CLUB], 2)),
            ]
            bits = [dice.choice((0, 4, 5, 7)) for _ in range(4)]
            with_list(path, access_list(bits[0], bits[1], bits[2], bits[3], *named))


def opened_by(uid: int, root: Path) -> set[str]:
    """What a process of this account finds and opens."""
    if not AS_ROOT:
        return found_below(root)
    there, here = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([gid for gid, members in MEMBERS.items() if uid in members])
            os.setgid(51_009)
            os.setuid(uid)
            os.write(here, json.dumps(sorted(found_below(root))).encode())
        finally:
            os._exit(0)
    os.close(here)
    with open(there, "rb") as told:
        found = set(json.loads(told.read()))
    os.waitpid(child, 0)
    return found


def found_below(root: Path) -> set[str]:
    found: set[str] = set()
    for folder, _, names in os.walk(root):
        for name in names:
            path = Path(folder) / name
            try:
                path.read_bytes()
            except OSError:
                continue
            found.add(str(path.relative_to(root)))
    return found


@pytest.mark.parametrize("lists", [False, True], ids=["modes", "lists"])
@pytest.mark.parametrize("seed", range(12))
def test_nobody_reads_what_the_kernel_would_not_let_them_open(root: Path, seed: int, lists: bool) -> None:
    """Run as root, for every account; run by somebody, for them. By modes it is the same, to the file; of lists the
    kernel passes over those with an empty mask, and joins entries of several groups."""
    planted(root, seed, lists=lists)
    by_document = readers(read(root))
    for uid in (ANN, BOB, CAROL, DAVE) if AS_ROOT else (ANN,):
        ours, theirs = {id for id, who in by_document.items() if uid in who}, opened_by(uid, root)
        assert ours <= theirs
        if not lists:
            assert ours == theirs
    for path in sorted(root.rglob("*")):  # so that it can be taken away again
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o755)


# --- who there is -----------------------------------------------------------------------------------------------


def people(system: System, domain: str = "") -> dict[str, PrincipalRecord]:
    return {record.id: record for record in system.records(domain)}


def test_accounts_and_groups_are_known_by_their_numbers() -> None:
    found = people(machine(), "example.org")

    assert found[f"uid:{ANN}"] == PrincipalRecord(
        id=f"uid:{ANN}", kind="user", name="Ann Weber", email="ann@example.org", external=False
    )
    team = found[f"gid:{TEAM}"]
    assert (team.kind, team.name) == ("group", "team")
    assert {entry.id for entry in team.members} == {f"uid:{ANN}", f"uid:{BOB}"}  # Ann by her primary group
    assert {entry.id for entry in found[f"gid:{BOARD}"].members} == {f"uid:{ANN}"}
    assert people(machine())[f"uid:{ANN}"].email is None


def test_services_nobody_and_who_cannot_be_told_apart_have_no_address() -> None:
    users = [
        user("root", 0, 0),
        user("mail", 8),
        user("ann", 5_001),
        user("ann", 5_002),  # never met by this name
        user("bob", 5_003),
        user("robert", 5_003),
        user("EX\\carol", 5_004),
        user("postgres", 80),
        user("postgres", 5_005),
        user("nobody", NOBODY),
    ]
    found = people(System.of(users, [group("nogroup", NOBODY, "ann")], first=1000), "example.org")

    assert {id: record.email for id, record in found.items() if record.kind == "user"} == {
        "uid:5001": "ann@example.org",
        "uid:5003": None,
        "uid:5004": None,
    }
    assert f"gid:{NOBODY}" not in found


def test_a_group_nobody_knows_holds_back_whoever_may_be_in_it() -> None:
    bits = Bits(uid=0, owner=6, groups={77: 0}, others=4)

    assert machine().let_in(bits, posix.READ) == ("uid:0",)


def test_numbers_of_people_begin_where_the_machine_says(tmp_path: Path) -> None:
    definitions = tmp_path / "login.defs"
    assert posix.first_person(definitions) == 1000
    definitions.write_text("# UID_MIN 5\nSYS_UID_MIN 100\nUID_MIN\t\t 500\nUID_MAX 60000\n")
    assert posix.first_person(definitions) == 500


def test_this_machine_can_be_asked() -> None:
    found, first = posix.system(), posix.first_person()

    wanted = {each.pw_uid for each in pwd.getpwall() if each.pw_uid >= first and each.pw_uid != NOBODY}
    assert set(found.accounts) == wanted
    assert {each.gr_gid for each in grp.getgrall()} - {NOBODY} <= set(found.groups)


# --- what cannot be known ---------------------------------------------------------------------------------------

PLAIN = os.stat_result((0o100640, 1, 1, 1, ANN, TEAM, 0, 0, 0, 0))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x02\0\0",
        struct.pack("<I", 1),
        struct.pack("<I", 2),
        access_list(6, 4, 4, 7) + b"\0",
        access_list(6, 4, 4, 7)[:-8],
        access_list(6, 4, 4, 7) + struct.pack("<HHI", 0x40, 4, 5),
        access_list(6, 4, 4, 7) + struct.pack("<HHI", posix.OTHERS, 4, 0),
        access_list(6, 4, 4, 7, (posix.USER, 4, 5), (posix.USER, 0, 5)),
        access_list(6, 4, 4, 7, (posix.USER, 8, 5)),
        listed((posix.OWNER, 6, 0), (posix.USER, 4, 5), (posix.OWNING, 4, 0), (posix.OTHERS, 4, 0)),
    ],
    ids=lambda content: content.hex() or "nothing",
)
def test_a_list_that_makes_no_sense_says_nothing(content: bytes) -> None:
    with pytest.raises(Unknown):
        of_list(PLAIN, content)


def test_a_list_without_names_is_a_mode() -> None:
    single = listed((posix.OWNER, 6, 0), (posix.OWNING, 4, 0), (posix.OTHERS, 0, 0))

    assert of_list(PLAIN, single) == of_mode(PLAIN)


def test_a_file_with_a_list_of_another_kind_is_read_by_nobody(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a.txt", "b.txt"):
        made(root / name, 0o644)
    there = {os.stat(root / name).st_ino for name in ("a.txt", "b.txt")}
    monkeypatch.setattr(os, "listxattr", lambda place: ["system.nfs4_acl"] if os.stat(place).st_ino in there else [])
    records = read(root)

    assert readers(records) == {"a.txt": set(), "b.txt": set()}
    assert problems(records) == [
        "a.txt is read by nobody: it has an access list that is not read (system.nfs4_acl). So are others: 1."
    ]
    assert ended_complete(records)


def test_what_the_worker_cannot_open_is_read_by_nobody_and_the_rest_goes_on(root: Path) -> None:
    made(root / "a.txt", 0o000)
    made(root / "b.txt", 0o644)
    (root / "c").mkdir()
    made(root / "c" / "d.txt", 0o644)
    made(root / "c", 0o000)
    with as_nobody():
        records = read(root)
    made(root / "c", 0o755)

    assert documents(records)["a.txt"].unreadable == "unreadable"
    assert documents(records)["a.txt"].content is None
    assert readers(records) == {"a.txt": set(), "b.txt": {ANN, BOB, CAROL, DAVE}}
    assert scopes(records)["c"].access.problem
    assert "a.txt is read by nobody: it cannot be opened (Permission denied)." in problems(records)
    assert not ended_complete(records)


def test_a_folder_whose_rights_cannot_be_read_closes_what_is_below(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a" / "b").mkdir(parents=True)
    made(root / "a" / "b" / "c.txt", 0o644)
    number, real = (root / "a").stat().st_ino, os.getxattr

    def broken(place: Any, name: str) -> bytes:
        if os.stat(place).st_ino == number:
            raise OSError(5, "Input/output error")
        return real(place, name)

    monkeypatch.setattr(os, "getxattr", broken)
    records = read(root)

    assert readers(records) == {"a/b/c.txt": set()}
    assert problems(records) == [
        "a: its rights cannot be read (Input/output error), so nobody is admitted to it",
    ]


def test_files_that_say_otherwise_are_not_passed_over(root: Path) -> None:
    plant(root, {"people.yaml": "people: {ann: {}}", "a/.access.yaml": "deny: [bob]", "a/b.txt": "x", "c.txt": "x"})
    records = read(root)

    assert readers(records) == {"a/b.txt": set(), "c.txt": {ANN, BOB, CAROL, DAVE}}
    assert problems(records) == [
        "people.yaml is not read: with 'readers' as 'posix', people are this machine's.",
        "a: it holds an .access.yaml, while the setting 'readers' is 'posix', so nobody is admitted to it",
    ]


def test_names_that_differ_by_their_spelling_alone_keep_their_own_rights(root: Path) -> None:
    made(root / "\u00e4.txt", 0o600)
    made(root / "a\u0308.txt", 0o644)

    assert readers(read(root)) == {"\u00e4.txt": {ANN}, "a\u0308.txt": {ANN, BOB, CAROL, DAVE}}


def test_a_file_that_another_took_the_place_of_is_not_read_under_the_rights_of_the_first(root: Path) -> None:
    made(root / "a.txt", 0o644)
    (found,) = documents(read(root)).values()
    assert callable(found.content)
    assert found.content() == b"Words."

    made(root / "secret.txt", 0o600).rename(root / "a.txt")
    with pytest.raises(ConnectorError, match="changed since its rights were read"):
        found.content()


def test_links_are_followed_here_as_little_as_elsewhere(root: Path) -> None:
    made(root / "a.txt", 0o644)
    (root / "b.txt").symlink_to(root / "a.txt")
    os.link(made(root / "c.txt", 0o644), root / "d.txt")

    assert list(readers(read(root))) == ["a.txt"]


# --- settings ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"readers": "Posix"}, "'readers' is 'posix', or empty"),
        ({"email_domain": "not a domain"}, "'email_domain' must be a domain"),
    ],
    ids=["readers", "domain"],
)
def test_a_setting_that_means_nothing_fails_the_run(root: Path, settings: dict[str, str], says: str) -> None:
    with pytest.raises(ConnectorError, match=says):
        read(root, **settings)
    assert says in share(root, **settings).check()[0]


def test_a_check_says_what_is_missing(root: Path) -> None:
    assert share(root).check() == ["Without 'email_domain' no account has an address, so nobody is recognised by one."]
    (told,) = share(root, email_domain="example.org").check()
    assert "count only if the source vouches" in told
    vouching = Share({"path": str(root), "readers": "posix", "email_domain": "@example.org"}, vouches_for_emails=True)
    assert vouching.check() == []

    made(root.parent, 0o700, os.geteuid(), os.getegid())
    if AS_ROOT:  # otherwise it is Ann's, who may come in
        assert "a folder, or one above it, lets no account in" in vouching.check()[0]


# --- in the product ---------------------------------------------------------------------------------------------


@pytest.fixture
def source(db: None, root: Path, monkeypatch: pytest.MonkeyPatch) -> Source:
    monkeypatch.setattr(Folder, "machine", lambda _: machine())
    made(root / "hers.txt", 0o600).write_text("The walrus is hers.")
    made(root / "ours.txt", 0o640).write_text("The oven is ours.")
    settings = {"path": str(root), "readers": "posix", "email_domain": "example.org"}
    return adding.add_source("share", kind="folder", settings=settings, vouches_for_emails=True)


def synced(source: Source) -> SyncRun:
    run = sync.run_now(source)
    ingest.parse_waiting(None, time.monotonic() + 60)
    return run


def titles(name: str) -> set[str]:
    reader = User.objects.filter(email=f"{name}@example.org").first() or person(name)
    return {document.title for document in list_documents(Reader(reader.pk))}


@pytest.mark.django_db
def test_the_owner_sees_their_own_document_and_a_stranger_does_not(source: Source) -> None:
    run = synced(source)

    assert (run.state, run.problems) == ("succeeded", [])
    assert titles("ann") == {"hers", "ours"}
    assert titles("bob") == {"ours"}
    assert titles("charlie") == set()


@pytest.mark.django_db
def test_a_change_of_rights_alone_is_in_force_with_the_next_run(source: Source, root: Path) -> None:
    synced(source)
    (root / "ours.txt").chmod(0o600)
    assert titles("bob") == {"ours"}
    synced(source)

    assert titles("bob") == set()
    assert titles("ann") == {"hers", "ours"}

    (root / "ours.txt").chmod(0o640)
    (root).chmod(0o700)
    synced(source)
    assert titles("bob") == set()


@pytest.mark.django_db
def test_who_leaves_a_group_reads_nothing_by_it_after_the_next_run(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced(source)
    without = System.of([user("ann", ANN, TEAM), user("bob", BOB)], [group("team", TEAM)], first=1)
    monkeypatch.setattr(Folder, "machine", lambda _: without)
    synced(source)

    assert titles("bob") == set()
    assert titles("ann") == {"hers", "ours"}


def test_the_listing_is_whole_each_time(root: Path) -> None:
    made(root / "a.txt", 0o644)
    records = read(root)

    assert isinstance(records[-1], Checkpoint)
    assert records[-1].complete
    assert not [record for record in records if isinstance(record, Problem)]
