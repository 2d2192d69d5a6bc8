"""What tests of answers share.

pytest reads this file before Django is set up, so what needs Django is imported where it is used.
"""

from collections.abc import Iterator

import pytest
from pytest_django import Settings


@pytest.fixture
def writer(settings: Settings) -> Iterator[None]:
    """A language model that answers from the library's two documents, whatever is asked."""
    from tests.doubles import ModelServer

    says = ["Contractors may not take parental leave. ", "Hotel rooms may cost up to 140 euros a night in Lisbon."]
    double = ModelServer(lambda prompt: says)
    with double.running():
        settings.LLM_BASE_URL, settings.LLM_MODEL = double.url, "double-1"
        yield
