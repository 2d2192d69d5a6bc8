"""Who the console is for. To everyone else it is an address where nothing is (P14)."""

from collections.abc import Callable
from functools import wraps

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt, csrf_protect

from accounts.models import User


class StaffRequest(HttpRequest):
    user: User


View = Callable[..., HttpResponse]


def only(admits: Callable[[User], bool]) -> Callable[[View], View]:
    """A page for these people; the page of unknown addresses for all others, signed in or not, whatever they send.

    Exempt from the middlewares that would answer first and so tell that there is something here; both checks
    follow once it is known who asks.
    """

    def for_them(view: View) -> View:
        protected = csrf_protect(never_cache(view))

        @wraps(view)
        def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
            if not (isinstance(request.user, User) and request.user.may_sign_in and admits(request.user)):
                raise Http404
            return protected(request, *args, **kwargs)

        return csrf_exempt(login_not_required(checked))

    return for_them


staff_only = only(lambda user: user.is_staff)
# Says what a source is and, by its settings, who reads where: that is more than running it (P12).
superusers_only = only(lambda user: user.is_staff and user.is_superuser)
auditors_only = only(lambda user: user.is_auditor)  # running the system does not include it (P12)
