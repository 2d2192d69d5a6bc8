"""E-mail: who wrote what to whom, then the body; attachments are named, not read."""

from email import policy
from email.message import EmailMessage
from email.parser import BytesParser

from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.results import damaged

SHOWN = ("From", "To", "Cc", "Date", "Subject")


def read(content: bytes, draft: Draft) -> None:
    """The headers a reader sees, the plain body (or the HTML one), and the names of what is attached."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(content)
        assert isinstance(message, EmailMessage)
        _read_headers(message, draft)
        _read_body(message, draft)
        names = [name for part in message.iter_attachments() if (name := part.get_filename())]
    except (RecursionError, LookupError, ValueError, AttributeError, TypeError) as error:
        raise damaged(error) from error
    if names:
        draft.add("Attachments: " + ", ".join(names))


def header(message: EmailMessage, name: str) -> str:
    """A header as text; malformed ones make the standard parser raise."""
    try:
        return str(message[name] or "")
    except (ValueError, IndexError, AttributeError, TypeError, LookupError):
        raw = dict(message.raw_items()).get(name, "")
        return raw if isinstance(raw, str) else ""


def _read_headers(message: EmailMessage, draft: Draft) -> None:
    for name in SHOWN:
        value = header(message, name)
        draft.note({"From": "author", "Date": "created"}.get(name, name.lower()), value)
        if value:
            draft.add(f"{name}: {' '.join(value.split())}", tight=True)
    draft.title = header(message, "Subject")


def _read_body(message: EmailMessage, draft: Draft) -> None:
    body = message.get_body(preferencelist=("plain", "html"))
    if not isinstance(body, EmailMessage):
        return
    payload = body.get_payload(decode=True)
    text = _text_of(body, payload if isinstance(payload, bytes) else b"")
    if body.get_content_subtype() == "html":
        from connectors.parsing.formats.web import read_page  # most mail has a plain body

        read_page(text, draft)
    else:
        draft.add(text)


def _text_of(body: EmailMessage, payload: bytes) -> str:
    """By the declared character set, when there is such a one."""
    try:
        return payload.decode(body.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return decode(payload)
