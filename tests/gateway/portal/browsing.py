"""Browsers without a screen."""

from uuid import UUID

from django.test import Client

from accounts.models import User
from connectors.corpus.reading import list_documents
from tests.cast import World


def signed_in(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def document_id(world: World, reader: str, external_id: str) -> UUID:
    """The outside id of a document, as one of its readers knows it."""
    return next(view.id for view in list_documents(world.reader(reader)) if view.external_id == external_id)
