"""Mails with files attached, and a parser that reads them in this process: starting the real one costs more."""

from collections.abc import Iterable
from email.message import EmailMessage

from connectors import ingest
from connectors.parsing import Parsed, ParseFailed, ParserProcess
from connectors.parsing.draft import Draft
from connectors.parsing.formats import mail as mails
from connectors.records import DocumentRecord
from tests.cast import Entries, World, access

BROKEN = b"%PDF-broken"
File = tuple[str, bytes | EmailMessage]


def mail(subject: str, *files: File, body: str = "") -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Ann <ann@example.org>"
    message["Subject"] = subject
    message.set_content(body or f"What {subject} says.")
    for name, content in files:
        if isinstance(content, EmailMessage):
            message.add_attachment(content, filename=name)
        else:
            message.add_attachment(content, maintype="text", subtype="plain", filename=name)
    if files:
        message.set_boundary(f"the parts of {subject}")
    return message


class MailParser(ParserProcess):
    """Reads mails and plain text."""

    parsed: list[str]  # names, in order

    def __init__(self) -> None:
        super().__init__(recogniser=None)
        self.parsed = []

    def parse(self, content: bytes, *, filename: str, mime: str = "") -> Parsed:
        self.parsed.append(filename)
        if content.startswith(BROKEN):
            raise ParseFailed("corrupt")
        if content.startswith((b"From:", b"Subject:")):
            draft = Draft()
            mails.read(content, draft)
            return draft.finish("message/rfc822", filename)
        return Parsed(text=content.decode(), mime="text/plain")


def parse() -> list[str]:
    """All that waits; the names of what was parsed."""
    with MailParser() as parser:
        while (job := ingest.take()) is not None:
            ingest.work_on(job, parser)
        return parser.parsed


def parse_one() -> None:
    """What has waited longest."""
    job = ingest.take()
    assert job is not None
    with MailParser() as parser:
        ingest.work_on(job, parser)


def send(
    world: World,
    message: EmailMessage,
    scope: str | None = None,
    grants: Entries = (),
    *,
    name: str = "mail",
    restrictions: Iterable[Iterable[str]] = (),
    url: str = "",
) -> str:
    """As a source that has its raw mail pushes it; says what state it is in."""
    record = DocumentRecord(
        id=name,
        title=str(message["Subject"]),
        scope=scope,
        content=message.as_bytes(),
        mime="message/rfc822",
        access=access(grants, restrictions=restrictions),
        url=url,
    )
    return world.push(record).state
