"""What every page knows of the installation it stands in."""

from django.conf import settings
from django.http import HttpRequest


def installation(request: HttpRequest) -> dict[str, bool]:
    """Whether this is the evaluation mode, which the footer says."""
    return {"evaluation": settings.EVALUATION}
