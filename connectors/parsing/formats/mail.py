"""E-mail: who wrote what to whom, then the body; attachments are named, and handed on as they are."""

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage, Message
from email.parser import BytesParser

from connectors.parsing.cleaning import line
from connectors.parsing.decoding import decode
from connectors.parsing.draft import Draft
from connectors.parsing.results import damaged

SHOWN = ("From", "To", "Cc", "Date", "Subject")
# Signatures say nothing a person reads.
NOT_ATTACHED = frozenset({"application/pkcs7-signature", "application/x-pkcs7-signature", "application/pgp-signature"})
SUFFIXES = {"message/rfc822": ".eml", "text/calendar": ".ics", "text/plain": ".txt", "text/html": ".html"}
ENCRYPTED = "The text of this message is encrypted."


def read(content: bytes, draft: Draft) -> None:
    """The headers a reader sees, the plain body (or the HTML one), and the names of what is attached."""
    try:
        message = BytesParser(policy=policy.default).parsebytes(content)
        assert isinstance(message, EmailMessage)
        write(message, draft)
    except (RecursionError, LookupError, ValueError, AttributeError, TypeError) as error:
        raise damaged(error) from error


def write(message: EmailMessage, draft: Draft) -> None:
    """A message that has been taken apart."""
    _read_headers(message, draft)
    _read_body(message, draft)
    names: list[str] = []
    for part in attached(message):
        name = name_of(part)
        names.append(name)
        draft.attach(name, part.get_content_type(), content_of(part))
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
    if is_encrypted(message):
        draft.add(ENCRYPTED)
        return
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


def is_encrypted(message: EmailMessage) -> bool:
    """Whether only its addressees can open it: S/MIME (RFC 8551) or OpenPGP (RFC 3156)."""
    sealed = message.get_content_type() in ("application/pkcs7-mime", "application/x-pkcs7-mime")
    is_signed_only = message.get_param("smime-type") == "signed-data"
    return message.get_content_type() == "multipart/encrypted" or (sealed and not is_signed_only)


def attached(message: EmailMessage) -> Iterator[EmailMessage]:
    """What a person would call an attachment: no signature, no picture that is part of the body's page."""
    if is_encrypted(message) or not message.is_multipart():
        return
    for part in message.iter_attachments():
        if not isinstance(part, EmailMessage) or part.get_content_type() in NOT_ATTACHED:
            continue
        is_shown = part.get_content_maintype() == "image" and part["Content-ID"] and not part.is_attachment()
        if not is_shown:
            yield part


def name_of(part: EmailMessage) -> str:
    """Its file name, or one made from its subject or type."""
    name = line(part.get_filename() or "")
    if name:
        return name
    kind = part.get_content_type()
    inner = part.get_payload(0) if kind == "message/rfc822" and part.is_multipart() else None
    subject = line(header(inner, "Subject")) if isinstance(inner, EmailMessage) else ""
    return (subject or "attachment").replace("/", "-")[:200] + SUFFIXES.get(kind, "")


def content_of(part: EmailMessage) -> bytes:
    """Its bytes; of a message inside the message, that message as it was sent."""
    if part.is_multipart():
        inner = part.get_payload(0) if part.get_content_type() == "message/rfc822" else part
        assert isinstance(inner, Message)
        return inner.as_bytes(policy=policy.compat32)
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _text_of(body: EmailMessage, payload: bytes) -> str:
    """By the declared character set, when there is such a one."""
    try:
        return payload.decode(body.get_content_charset() or "utf-8")
    except (LookupError, UnicodeDecodeError):
        return decode(payload)
