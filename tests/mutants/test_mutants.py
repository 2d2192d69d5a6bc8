"""The defects are still defects of this code; two of them are judged from end to end, all by `make mutants`."""

import ast
import os
import re
from functools import cache
from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.conf import settings

from tests.mutants.mutation import Edit, Mutation, Stale, mutation, replaced_later, write
from tests.mutants.mutations import MUTATIONS
from tests.mutants.running import ROOT, SUITE, Copy, verdict_of

FEWEST = 36
RULES = [f"P{number}" for number in range(1, 19)]
LAST_QUEUE = 14  # of Valkey; the workers of the tests themselves take the first ones
BY_NAME = {each.name: each for each in MUTATIONS}


# --- they are what they were when they were written -------------------------------------------------------


def test_every_defect_still_changes_what_it_says_once() -> None:
    stale: list[str] = []
    for each in MUTATIONS:
        texts = {edit.file: (ROOT / edit.file).read_text() for edit in each.edits}
        for edit in each.edits:
            try:
                texts[edit.file] = edit.changed(texts[edit.file])
            except Stale as error:
                stale.append(f"{each.name}: {error}")
    assert stale == []


def test_no_defect_is_in_a_function_that_a_later_migration_replaces() -> None:
    assert [each.name for each in MUTATIONS for edit in each.edits if replaced_later(edit, ROOT)] == []


def test_a_function_that_is_replaced_later_is_known(tmp_path: Path) -> None:
    one = "CREATE FUNCTION one() RETURNS int AS $$\n    SELECT 1\n$$;\n"
    (tmp_path / "0001.sql").write_text(one + "ALTER TABLE one;\n")
    (tmp_path / "0002.sql").write_text(one.replace("CREATE", "CREATE OR REPLACE").replace("SELECT 1", "SELECT 2"))
    assert replaced_later(Edit("0001.sql", "SELECT 1", "SELECT 3"), tmp_path) == "one"
    assert replaced_later(Edit("0002.sql", "SELECT 2", "SELECT 3"), tmp_path) == ""
    assert replaced_later(Edit("0001.sql", "ALTER TABLE one", "ALTER TABLE two"), tmp_path) == ""


def test_the_tests_that_must_notice_are_there() -> None:
    named = {test for each in MUTATIONS for test in each.tests} | set(SUITE)
    assert [test for test in sorted(named) if not is_there(test)] == []


def is_there(test: str) -> bool:
    path, _, function = test.partition("::")
    return (ROOT / path).exists() and (not function or function.partition("[")[0] in functions_of(ROOT / path))


@cache
def functions_of(path: Path) -> frozenset[str]:
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.parse(path.read_text()).body if isinstance(node, kinds))


def test_they_are_many_and_each_breaks_a_rule() -> None:
    assert len(BY_NAME) == len(MUTATIONS) >= FEWEST
    assert {rule for each in MUTATIONS for rule in each.rule.split()} == set(RULES)


# --- the judgement ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Copy:
    """Of the code as it stands, beside the servers of this run."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    return Copy.of(Path(settings.BASE_DIR), tmp_path_factory.mktemp("mutants") / "copy", data_dir, LAST_QUEUE - worker)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("name", ["a deny set is ignored", "restrictions are not inherited"])
def test_a_defect_is_noticed(copy: Copy, name: str) -> None:
    found = copy.judged(BY_NAME[name], ())
    assert found.killed
    assert found.verdict.test in BY_NAME[name].tests


@pytest.mark.timeout(300)
def test_what_is_no_defect_survives_and_what_does_not_run_is_not_judged(copy: Copy) -> None:
    rule = BY_NAME["restrictions are not inherited"]
    (edit,) = rule.edits
    harmless = mutation("harmless", rule.rule, rule.tests, (edit.file, edit.old, f"{edit.old}  # as it was"))
    broken = mutation("broken", rule.rule, rule.tests, (edit.file, edit.old, "("))
    for each, said in ((harmless, "nothing"), (broken, "nonsense")):
        found = copy.judged(each, ())
        assert (found.killed, found.verdict.said) == (False, said)


def test_the_copy_is_afterwards_what_it_was(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("1")
    each = Mutation("", "", (Edit("one.py", "1", "2"), Edit("one.py", "2", "3")), ())
    with each.applied(tmp_path):
        assert (tmp_path / "one.py").read_text() == "3"
    assert (tmp_path / "one.py").read_text() == "1"
    with pytest.raises(Stale, match="0 times"), Mutation("", "", (Edit("one.py", "4", ""),), ()).applied(tmp_path):
        pass
    write(tmp_path / "one.py", "1 1")
    with pytest.raises(Stale, match="2 times"), each.applied(tmp_path):
        pass


@pytest.mark.parametrize(
    ("kind", "message", "said"),
    [
        ("failure", "AssertionError: assert {'ann'} == set()", "a failure"),
        ("failure", "assert {'ann'} == set()", "a failure"),
        ("failure", "Failed: DID NOT RAISE <class 'PermissionError'>", "a failure"),
        ("failure", "NameError: name 'readr' is not defined", "nonsense"),
        ("error", "assert 1 == 2", "nonsense"),  # in what a test needs, before it began
        ("skipped", "", "nothing"),
    ],
)
def test_only_an_assertion_that_fails_is_a_verdict(tmp_path: Path, kind: str, message: str, said: str) -> None:
    root = ElementTree.Element("testsuite")
    case = ElementTree.SubElement(root, "testcase", classname="tests.connectors.test_x", name="test_y[1]")
    ElementTree.SubElement(case, kind, message=message)
    ElementTree.ElementTree(root).write(tmp_path / "report.xml")
    verdict = verdict_of(tmp_path / "report.xml")
    assert verdict.said == said
    assert verdict.test == ("" if said == "nothing" else "tests/connectors/test_x.py::test_y[1]")


def test_every_test_that_is_named_can_be_named_to_pytest() -> None:
    path = re.compile(r"tests/[\w/]+(\.py(::test_\w+(\[[\w -]+\])?)?)?")
    assert [test for each in MUTATIONS for test in each.tests if not path.fullmatch(test)] == []
