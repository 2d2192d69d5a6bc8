"""Ask as a person, on the terminal: the answer with its numbered citations."""

import json
from typing import Any

from asgiref.sync import async_to_sync
from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.addresses import normalised
from accounts.models import User
from accounts.reader import Reader
from gateway.answering.asking import AnswerFailed, QuestionInvalid, answer
from gateway.answering.events import Citation, Done


class Command(BaseCommand):
    help = "Answers a question from what a person may read, with citations."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("question")
        parser.add_argument("--as", dest="email", required=True, metavar="EMAIL", help="who asks")
        parser.add_argument("--json", action="store_true", help="the answer as the API gives it")

    def handle(self, *args: Any, question: str, email: str, **options: Any) -> None:
        user = User.objects.filter(email=normalised(email)).first()
        if user is None or not user.may_sign_in:
            raise CommandError(f"There is no active person with the address {email}.")
        try:
            done = async_to_sync(answer)(Reader(user.pk), question, door="command")
        except (QuestionInvalid, AnswerFailed) as error:
            raise CommandError(error.message) from None
        self.stdout.write(json.dumps(done.as_json(), ensure_ascii=False, indent=2) if options["json"] else shown(done))


def shown(done: Done) -> str:
    """The answer as text, a line a citation below it."""
    beside = (done.missing_text, done.notice_text, done.general_message, done.general)
    told = [line for text in beside if text for line in ("", text)]
    return "\n".join([done.answer, *told, *([""] if done.citations else []), *map(_line, done.citations)])


def _line(citation: Citation) -> str:
    hit = citation.hit
    title = f'{hit.title}, attached to "{hit.attached_to.title}"' if hit.attached_to else hit.title
    place = " › ".join(part for part in (title, hit.heading, f"page {hit.page}" if hit.page else "") if part)
    return f"[{citation.n}] {place} ({hit.source_name}){f' {hit.url}' if hit.url else ''}"
