"""Adds a person who can sign in."""

from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.validators import validate_email

from accounts.addresses import normalised
from accounts.models import User


class Command(BaseCommand):
    help = "Adds a person. Their address counts as verified."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("email")
        parser.add_argument("--password", required=True)
        parser.add_argument("--name", default="")
        parser.add_argument("--staff", action="store_true", help="may open the console; gives no right to read")
        parser.add_argument("--auditor", action="store_true", help="may ask why people may read what")

    def handle(self, *args: Any, email: str, password: str, name: str, **options: Any) -> None:
        try:
            validate_email(normalised(email))
            validate_password(password, User(email=email, name=name))
        except ValidationError as error:
            raise CommandError(" ".join(error.messages)) from None
        if User.objects.filter(email=normalised(email)).exists():
            raise CommandError(f"There is a person with the address {normalised(email)} already.")
        roles = {"is_staff": options["staff"], "is_auditor": options["auditor"]}
        user = User.objects.create_user(email, password, name=name, **roles)
        self.stdout.write(f"Added {user.email}.")
