"""The folder connector on real directory trees: what it yields, and everything it refuses to read."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.records import (
    Access,
    Checkpoint,
    DocumentRecord,
    Entry,
    PrincipalRecord,
    Problem,
    Record,
    ScopeRecord,
)
from connectors.sources.base import ConnectorError
from connectors.sources.folder import MAX_FILE, PAGE, Folder
from connectors.sources.registry import connector_for

NOBODY = 65534  # the uid that owns nothing

PEOPLE = """
people:
  ann: {name: Ann Weber, email: ann@example.com}
  guest-joe: {name: Joe, email: joe@ext.example, external: true}
groups:
  staff: {name: All staff, members: [team-a, {id: ann, until: 2026-12-31T12:00:00+02:00}]}
  team-a: {members: [staff]}
"""


def plant(root: Path, files: Mapping[str, str]) -> Path:
    """Writes the files of a tree, making the folders they stand in."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def read(root: Path, **settings: str) -> list[Record]:
    return list(Folder({"path": str(root), **settings}).records(None))


def documents(records: list[Record]) -> dict[str, DocumentRecord]:
    return {record.id: record for record in records if isinstance(record, DocumentRecord)}


def scopes(records: list[Record]) -> dict[str, ScopeRecord]:
    return {record.id: record for record in records if isinstance(record, ScopeRecord)}


def problems(records: list[Record]) -> list[str]:
    return [record.message for record in records if isinstance(record, Problem)]


def ended_complete(records: list[Record]) -> bool:
    last = records[-1]
    assert isinstance(last, Checkpoint)
    return last.complete


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root reads everything, so a test of closed folders gives that up for a moment."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


# --- what it yields ---------------------------------------------------------------------------------


def test_people_and_groups_come_first_with_cycles_and_ends_as_they_are(tmp_path: Path) -> None:
    records = read(plant(tmp_path, {"people.yaml": PEOPLE}))

    assert records[:4] == [
        PrincipalRecord(id="ann", kind="user", name="Ann Weber", email="ann@example.com", external=False),
        PrincipalRecord(id="guest-joe", kind="user", name="Joe", email="joe@ext.example", external=True),
        PrincipalRecord(
            id="staff",
            kind="group",
            name="All staff",
            members=(Entry(id="team-a"), Entry(id="ann", until=datetime(2026, 12, 31, 10, tzinfo=UTC))),
        ),
        PrincipalRecord(id="team-a", kind="group", name="team-a", members=(Entry(id="staff"),)),
    ]


def test_folders_are_scopes_parents_first_and_their_documents_follow_in_a_stable_order(tmp_path: Path) -> None:
    files = {"z.txt": "z", "a.md": "a", "hr/b/deep.md": "d", "hr/pay.md": "p", "it/x.md": ""}
    records = read(plant(tmp_path / "company", files))

    assert [record.id for record in records if isinstance(record, ScopeRecord | DocumentRecord)] == [
        *(".", "a.md", "z.txt", "hr", "hr/pay.md", "hr/b", "hr/b/deep.md", "it", "it/x.md"),
    ]
    assert [(scope.id, scope.name, scope.parent) for scope in scopes(records).values()] == [
        (".", "company", None),
        ("hr", "hr", "."),
        ("hr/b", "b", "hr"),
        ("it", "it", "."),
    ]
    assert ended_complete(records)


def test_a_document_record_says_what_the_file_system_knows(tmp_path: Path) -> None:
    root = plant(tmp_path, {"hr/leave_policy-2026-03.md": "# Leave"})
    os.utime(root / "hr/leave_policy-2026-03.md", (1_700_000_000, 1_700_000_000))

    record = documents(read(root))["hr/leave_policy-2026-03.md"]

    assert record.title == ""
    assert record.scope == "hr"
    assert record.access.is_plain
    assert record.mime == "text/markdown"
    assert record.modified_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert callable(record.content)
    assert record.content() == b"# Leave"


def test_the_version_changes_when_a_file_is_replaced_by_one_of_the_same_size_and_time(tmp_path: Path) -> None:
    root = plant(tmp_path, {"a.md": "one", "new": "two"})
    os.utime(root / "a.md", ns=(5, 5))
    os.utime(root / "new", ns=(5, 5))
    before = documents(read(root))["a.md"].version

    os.replace(root / "new", root / "a.md")

    assert documents(read(root))["a.md"].version != before


def test_a_long_listing_is_cut_into_pages_and_only_the_last_checkpoint_is_complete(tmp_path: Path) -> None:
    plant(tmp_path, {f"{number:04}.md": "" for number in range(2 * PAGE)})

    checkpoints = [record for record in read(tmp_path) if isinstance(record, Checkpoint)]

    assert [checkpoint.complete for checkpoint in checkpoints] == [False, False, True]


def test_an_empty_root_is_a_complete_listing_of_nothing(tmp_path: Path) -> None:
    assert read(tmp_path) == [ScopeRecord(id=".", name=tmp_path.name), Checkpoint(complete=True)]


def test_names_that_start_with_a_dot_and_the_people_file_are_no_documents(tmp_path: Path) -> None:
    root = plant(tmp_path, {"people.yaml": PEOPLE, ".access.yaml": "grants: [staff]", ".env": "x", ".git/config": "x"})

    records = read(root)

    assert not documents(records)
    assert list(scopes(records)) == ["."]
    assert not problems(records)


# --- who reads --------------------------------------------------------------------------------------


def test_a_folder_says_grants_restrictions_deny_and_an_end(tmp_path: Path) -> None:
    rules = """
grants: [staff, everyone, {id: ann, until: 2026-12-31T00:00:00+00:00}]
restrictions: [[legal], [ann, bob], []]
deny: [contractors]
"""
    records = read(plant(tmp_path, {"hr/.access.yaml": rules}))

    assert scopes(records)["hr"].access == Access(
        grants=(
            Entry(id="staff"),
            Entry(id="everyone"),
            Entry(id="ann", until=datetime(2026, 12, 31, tzinfo=UTC)),
        ),
        restrictions=(("legal",), ("ann", "bob"), ()),
        deny=("contractors",),
    )


def test_a_root_without_access_file_grants_nobody(tmp_path: Path) -> None:
    assert scopes(read(tmp_path))["."].access == Access()


def test_a_named_file_has_readers_of_its_own_and_the_others_do_not(tmp_path: Path) -> None:
    rules = "files:\n  pay.xlsx: {grants: [hr], restrictions: [[hr]], deny: [temps]}\n"
    records = read(plant(tmp_path, {"hr/.access.yaml": rules, "hr/pay.xlsx": "", "hr/other.xlsx": ""}))

    assert documents(records)["hr/pay.xlsx"].access == Access(
        grants=(Entry(id="hr"),), restrictions=(("hr",),), deny=("temps",)
    )
    assert documents(records)["hr/other.xlsx"].access.is_plain


def test_a_named_file_is_found_however_its_umlauts_are_composed(tmp_path: Path) -> None:
    root = plant(
        tmp_path, {".access.yaml": "files: {Geh\u00e4lter.md: {restrictions: [[hr]]}}", "Geha\u0308lter.md": ""}
    )

    records = read(root)

    assert documents(records)["Geha\u0308lter.md"].access.restrictions == (("hr",),)
    assert not problems(records)


def test_a_named_file_that_is_not_there_is_a_problem_and_nothing_else(tmp_path: Path) -> None:
    records = read(plant(tmp_path, {"hr/.access.yaml": "grants: [hr]\nfiles:\n  gone.md: {deny: [ann]}\n"}))

    assert problems(records) == ["hr/.access.yaml, line 3: there is no document 'gone.md' in this folder"]
    assert scopes(records)["hr"].access == Access(grants=(Entry(id="hr"),))
    assert ended_complete(records)


def test_metadata_goes_down_the_tree_and_the_deeper_value_wins(tmp_path: Path) -> None:
    files = {
        ".access.yaml": "metadata: {country: Germany, year: 2026, since: 2026-01-01, code: 007, tags: [a, b]}",
        "us/.access.yaml": "metadata: {country: USA}\nfiles: {b.md: {metadata: {year: 2027}}}",
        "us/a.md": "",
        "us/b.md": "",
    }
    found = documents(read(plant(tmp_path, files)))

    common = {"country": "USA", "since": "2026-01-01", "code": "007", "tags": ["a", "b"]}
    assert found["us/a.md"].metadata == {**common, "year": 2026}
    assert found["us/b.md"].metadata == {**common, "year": 2027}


# --- detachment -------------------------------------------------------------------------------------


def test_detaching_below_the_root_admits_nobody_unless_the_source_allows_it(tmp_path: Path) -> None:
    root = plant(tmp_path, {"hr/.access.yaml": "grants: [everyone]\ninherits: false\n"})

    refused = read(root)
    allowed = read(root, allow_detached="true")

    assert scopes(refused)["hr"].access == Access(problem=problems(refused)[0])
    assert problems(refused)[0].startswith("hr/.access.yaml, line 2: 'inherits: false' below the root")
    assert scopes(allowed)["hr"].access == Access(inherits=False, grants=(Entry(id="everyone"),))
    assert not problems(allowed)


def test_a_named_file_below_the_root_detaches_only_if_the_source_allows_it(tmp_path: Path) -> None:
    root = plant(tmp_path, {"hr/.access.yaml": "files: {a.md: {grants: [everyone], inherits: false}}", "hr/a.md": ""})

    assert scopes(read(root))["hr"].access.problem
    assert documents(read(root, allow_detached="true"))["hr/a.md"].access.inherits is False


def test_the_root_may_say_that_it_does_not_inherit(tmp_path: Path) -> None:
    records = read(plant(tmp_path, {".access.yaml": "grants: [staff]\ninherits: false"}))

    assert scopes(records)["."].access == Access(inherits=False, grants=(Entry(id="staff"),))


def test_what_is_detached_below_a_broken_folder_stays_closed_with_it(tmp_path: Path) -> None:
    detached = "grants: [everyone]\ninherits: false\nfiles: {a.md: {grants: [everyone], inherits: false}}"
    root = plant(tmp_path, {"hr/.access.yaml": "grants: {", "hr/open/.access.yaml": detached, "hr/open/a.md": ""})

    records = read(root, allow_detached="true")

    assert scopes(records)["hr/open"].access == Access(problem=problems(records)[0])
    assert documents(records)["hr/open/a.md"].access == Access(problem=problems(records)[0])


# --- invalid access files ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("grants: [staff\n", 2, "not YAML"),
        ("grants: [staff]\ngrants: [everyone]\n", 2, "'grants' is there twice"),
        ("grants: [staff]\ndenied: [ann]\n", 2, "'denied' means nothing"),
        ("\ngrants: staff\n", 2, "is not a list"),
        ("grants:\n", 1, "is not a list"),
        ("grants: [no]\n", 1, "put 'no' in quotes"),
        ("grants: [12]\n", 1, "put '12' in quotes"),
        ("grants: ['']\n", 1, "is empty"),
        ('grants: ["a\\0b"]\n', 1, "control characters"),
        (f"grants: [{'a' * 1001}]\n", 1, "longer than 1000 bytes"),
        ("grants: [{id: ann, until: 2026-12-31}]\n", 1, "is not a time"),
        ("grants: [{id: ann, until: 2026-12-31T00:00:00}]\n", 1, "is not a time"),
        ("grants: [{id: ann, until: 0001-01-01T00:00:00+14:00}]\n", 1, "is not a time"),
        ("grants: [{until: 2026-12-31T00:00:00+00:00}]\n", 1, "has no id"),
        ("restrictions: [legal]\n", 1, "is not a list"),
        ("restrictions: [[{id: ann, until: 2026-12-31T00:00:00+00:00}]]\n", 1, "only grants and members can end"),
        ("deny: [{id: ann, until: 2026-12-31T00:00:00+00:00}]\n", 1, "only grants and members can end"),
        ("grants: []\ninherits: maybe\n", 2, "neither true nor false"),
        ("metadata: {a: {b: c}}\n", 1, "is not a list"),
        ("metadata: {a: !!python/name:os.system }\n", 1, "is not a text"),
        ("files: [a.md]\n", 1, "'name: value'"),
        ("files:\n  a.md: {file: x}\n", 2, "'file' means nothing"),
        ("files: {a.md: {files: {}}}\n", 1, "'files' means nothing"),
        ("- grants\n", 1, "'name: value'"),
        ("a: &a [x]\nb: *a\n", 1, "anchors and aliases"),
        ("<<: {grants: [x]}\n", 1, "is not a text"),
        ("grants: [a]\n---\ngrants: [b]\n", 2, "not YAML"),
        ("grants: " + "[" * 100_000, 1, "nested too deeply"),
        ("# only a remark\n", None, "the file is empty"),
        ("grants: [a\x07]", None, "not YAML"),
        ("#" * 1_048_577, None, "larger than 1 MB"),
    ],
)
def test_an_invalid_access_file_closes_its_folder_and_names_file_and_line(
    tmp_path: Path, text: str, line: int | None, says: str
) -> None:
    records = read(plant(tmp_path, {"hr/.access.yaml": text, "hr/a.md": "a", "it/b.md": "b"}))

    [message] = problems(records)
    assert message.startswith("hr/.access.yaml, " + (f"line {line}: " if line else ""))
    assert says in message
    assert scopes(records)["hr"].access == Access(problem=message)
    assert scopes(records)["it"].access.is_plain
    assert "hr/a.md" in documents(records), "it lives on, hidden, until the file is mended"
    assert ended_complete(records)


def test_an_access_file_that_is_not_utf8_closes_its_folder(tmp_path: Path) -> None:
    (tmp_path / ".access.yaml").write_bytes(b"grants:\n - caf\xe9\n")

    assert problems(read(tmp_path)) == [".access.yaml, line 2: this is not UTF-8 text"]


def test_an_access_file_behind_a_link_closes_its_folder(tmp_path: Path) -> None:
    root = plant(tmp_path / "root", {"hr/a.md": "", "it/a.md": ""})
    plant(tmp_path, {"elsewhere.yaml": "grants: [everyone]"})
    (root / "hr/.access.yaml").symlink_to(tmp_path / "elsewhere.yaml")
    (root / "it/.access.yaml").hardlink_to(tmp_path / "elsewhere.yaml")

    records = read(root)

    assert scopes(records)["hr"].access.problem.startswith("hr/.access.yaml, the file cannot be read")
    assert scopes(records)["it"].access.problem.startswith("it/.access.yaml, the file cannot be read")


# --- people who cannot be read ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("people: {ann: {name: Ann}}\ngroups: {ann: {members: []}}\n", "line 2: 'ann' is both a person and a group"),
        ("groups:\n  everyone: {members: [ann]}\n", "line 2: 'everyone' is reserved"),
        ("groups:\n  '*': {members: [ann]}\n", "line 2: '*' is reserved"),
        ("people:\n  ann: {mail: a@b.example}\n", "line 2: 'mail' means nothing in 'ann'"),
        ("people:\n  ann: {external: 1}\n", "line 2: 'external' is neither true nor false"),
        ("people:\n  ann: {}\n  ann: {}\n", "line 3: 'ann' is there twice"),
        ("staff: [ann]\n", "line 1: 'staff' means nothing in people.yaml"),
        ("groups: {staff: {members: ann}}\n", "line 1: 'members' is not a list"),
        ("", "the file is empty"),
    ],
)
def test_an_invalid_people_file_closes_everything_and_nothing_counts_as_gone(
    tmp_path: Path, text: str, says: str
) -> None:
    files = {
        "people.yaml": text,
        "hr/.access.yaml": "grants: [everyone]\ninherits: false\nfiles: {a.md: {grants: [ann]}}",
        "hr/a.md": "",
        "b.md": "",
    }
    records = read(plant(tmp_path, files), allow_detached="true")

    [message] = problems(records)
    assert message.startswith(f"people.yaml, {says}")
    assert not [record for record in records if isinstance(record, PrincipalRecord)]
    closed = [record.access for record in records if isinstance(record, ScopeRecord)]
    assert closed == [Access(problem=message)] * 2
    assert all(record.access.inherits for record in records if isinstance(record, DocumentRecord))
    assert not ended_complete(records)


def test_a_people_file_below_the_root_is_reported_and_not_read(tmp_path: Path) -> None:
    records = read(plant(tmp_path, {"hr/people.yaml": PEOPLE}))

    assert problems(records) == ["hr/people.yaml: a people.yaml counts only at the root"]
    assert not documents(records)
    assert not [record for record in records if isinstance(record, PrincipalRecord)]


def test_a_people_file_behind_a_link_is_not_believed(tmp_path: Path) -> None:
    root = plant(tmp_path / "root", {"a.md": ""})
    plant(tmp_path, {"people.yaml": PEOPLE})
    (root / "people.yaml").symlink_to(tmp_path / "people.yaml")

    records = read(root)

    assert problems(records)[0].startswith("people.yaml, the file cannot be read")
    assert not ended_complete(records)


# --- what is not read -------------------------------------------------------------------------------


def test_links_and_pipes_are_reported_once_and_not_followed(tmp_path: Path) -> None:
    root = plant(tmp_path / "root", {"a.md": "a", "twice.md": "t"})
    secret = plant(tmp_path / "secret", {"board.md": "secret"})
    (root / "folder").symlink_to(secret)
    (root / "file.md").symlink_to(secret / "board.md")
    (root / "loop").symlink_to(root)
    (root / "same.md").hardlink_to(root / "twice.md")
    os.mkfifo(root / "pipe.md")

    records = read(root)

    assert list(documents(records)) == ["a.md"]
    assert list(scopes(records)) == ["."]
    assert problems(records) == [
        "file.md: a symbolic link is not followed",
        "folder: a symbolic link is not followed",
        "loop: a symbolic link is not followed",
        "pipe.md: this is neither a file nor a folder",
        "same.md: a file with a second name (a hard link) is not read",
        "twice.md: a file with a second name (a hard link) is not read",
    ]


@pytest.mark.parametrize("swapped", ["hr", "hr/a.md"])
def test_a_link_put_in_place_after_the_listing_is_not_followed_either(tmp_path: Path, swapped: str) -> None:
    root = plant(tmp_path / "root", {"hr/a.md": "a"})
    secret = plant(tmp_path / "secret", {"hr/a.md": "secret"})
    content = documents(read(root))["hr/a.md"].content
    assert callable(content)

    (root / swapped).rename(tmp_path / "away")
    (root / swapped).symlink_to(secret / swapped)

    with pytest.raises(ConnectorError, match=r"hr/a\.md cannot be read"):
        content()


def test_names_that_no_reader_could_be_shown_are_reported_and_skipped(tmp_path: Path) -> None:
    (tmp_path / "two\nlines.md").write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9-folder")).mkdir()

    records = read(tmp_path)

    assert not documents(records)
    assert list(scopes(records)) == ["."]
    assert [message.split(":")[0] for message in problems(records)] == [
        r"'caf\udce9-folder'",
        r"'caf\udce9.md'",
        r"'two\nlines.md'",
    ]


def test_a_path_too_long_to_be_an_id_is_reported_and_skipped(tmp_path: Path) -> None:
    deep = "/".join(["d" * 200] * 5)

    records = read(plant(tmp_path, {f"{deep}/a.md": "a"}))

    assert not documents(records)
    assert "longer than 1000 bytes" in problems(records)[0]


def test_a_folder_that_cannot_be_read_admits_nobody_and_nothing_in_it_counts_as_gone() -> None:
    with tempfile.TemporaryDirectory() as name:
        root = plant(Path(name), {"hr/a.md": "a", "it/b.md": "b"})
        os.chmod(root, 0o755)
        os.chmod(root / "hr", 0o000)
        with as_nobody():
            records = read(root)
        os.chmod(root / "hr", 0o700)

    assert problems(records) == [
        "hr: this folder cannot be read (Permission denied), so nobody is admitted to it",
    ]
    assert scopes(records)["hr"].access == Access(problem=problems(records)[0])
    assert "it/b.md" in documents(records)
    assert not ended_complete(records)


def test_a_file_over_the_limit_is_listed_and_says_why_it_cannot_be_read(tmp_path: Path) -> None:
    with open(tmp_path / "big.pdf", "wb") as file:
        file.truncate(MAX_FILE + 1)

    content = documents(read(tmp_path))["big.pdf"].content

    assert callable(content)
    with pytest.raises(ConnectorError, match=r"big\.pdf is larger than 50 MB") as caught:
        content()
    assert caught.value.permanent


def test_a_file_that_went_away_after_the_listing_can_be_tried_again(tmp_path: Path) -> None:
    root = plant(tmp_path, {"a.md": "a"})
    content = documents(read(root))["a.md"].content
    (root / "a.md").unlink()

    assert callable(content)
    with pytest.raises(ConnectorError, match="No such file") as caught:
        content()
    assert not caught.value.permanent


# --- settings ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["", "/nowhere/at/all", "file.txt", "a\0b"])
def test_a_path_that_is_no_directory_fails_with_a_sentence_that_names_the_setting(tmp_path: Path, path: str) -> None:
    plant(tmp_path, {"file.txt": ""})
    folder = Folder({"path": path and str(tmp_path / path)})

    with pytest.raises(ConnectorError, match="The setting 'path'") as caught:
        list(folder.records(None))

    assert caught.value.permanent
    assert folder.check() == [str(caught.value)]


def test_check_says_what_is_missing_before_anybody_can_read(tmp_path: Path) -> None:
    assert len(Folder({"path": str(tmp_path)}).check()) == 2

    plant(tmp_path, {"people.yaml": PEOPLE, ".access.yaml": "grants: [staff]"})

    assert Folder({"path": str(tmp_path)}).check() == []


def test_the_registry_knows_the_folder_and_says_which_kinds_there_are() -> None:
    assert connector_for("folder") is Folder
    assert connector_for("push") is None
    with pytest.raises(ConnectorError, match=r"'floppy'.*folder.*push"):
        connector_for("floppy")


def test_a_path_that_depends_on_who_reads_is_refused() -> None:
    [problem] = Folder({"path": "share"}).check()
    assert problem == "The setting 'path' must begin with '/': 'share' depends on who reads."
