"""Source code: the text as it is; what it defines is where a citation can point."""

import pytest

from connectors.parsing import ParserProcess
from tests.connectors.formats.reading import headings_of

PYTHON = '''"""Leave."""

class Leave:
    """Of one person."""

    async def days(self) -> int:
        return 25


def main():
    print(Leave().days())
'''


def test_code_stays_as_it_is_and_its_definitions_are_headings(parser: ParserProcess) -> None:
    parsed = parser.parse(PYTHON.encode(), filename="leave.py")
    assert parsed.text == PYTHON.strip().replace("\n\n\n", "\n\n")
    assert headings_of(parsed) == [(3, "class Leave"), (4, "async def days(self) -> int"), (3, "def main()")]
    assert (parsed.title, parsed.mime) == ("leave.py", "text/x-python")


@pytest.mark.parametrize(
    ("filename", "source", "title"),
    [
        (
            "a.ts",
            "export default async function load<T>(url: string) {\n}",
            "export default async function load<T>(url: string)",
        ),
        ("A.java", "public final class A extends B {\n}", "public final class A extends B"),
        ("a.go", "func (s *Server) x() {}\nfunc Serve(a int) error {\n}", "func Serve(a int) error"),
        ("a.rs", "pub(crate) fn read(x: u8) -> u8 {\n}", "pub(crate) fn read(x: u8) -> u8"),
        ("a.sql", "CREATE TABLE IF NOT EXISTS leave (\n id int);", "CREATE TABLE IF NOT EXISTS leave"),
        ("a.sh", "start() {\n echo\n}", "start()"),
    ],
    ids=["typescript", "java", "go", "rust", "sql", "shell"],
)
def test_definitions_are_found_in_many_languages(parser: ParserProcess, filename: str, source: str, title: str) -> None:
    assert [found for _, found in headings_of(parser.parse(source.encode(), filename=filename))] == [title]


@pytest.mark.parametrize(
    ("filename", "mime"),
    [("Dockerfile", "text/plain"), ("ci.yaml", "text/x-yaml"), ("app.conf", "text/x-ini"), ("x.php", "text/x-php")],
)
def test_configuration_is_read_too(parser: ParserProcess, filename: str, mime: str) -> None:
    assert parser.parse(b"FROM: debian\n  run: this\n", filename=filename).mime == mime
