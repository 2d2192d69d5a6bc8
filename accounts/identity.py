"""Which accounts are which users: links made from verified addresses, ended when their reason ends (P13)."""

from collections.abc import Collection

from django.db import transaction
from django.utils import timezone

from accounts.models import AddressClaim, Directory, IdentityLink, Principal, User
from accounts.statements import rows


def link_address(address: str) -> None:
    """An address was verified, or stopped being so: look at every account that carries it or was linked by it."""
    from accounts.principals import lock_addresses

    with transaction.atomic():
        lock_addresses()
        accounts = Principal.objects.filter(address=address).exclude(address="") | Principal.objects.filter(
            id__in=IdentityLink.objects.filter(address=address, ended_at=None).values("account")
        )
        link_accounts(set(accounts.values_list("id", flat=True)))


def link_accounts(account_ids: Collection[int]) -> None:
    """Make and end links so that each of these accounts is linked to whom it should be, in either order of arrival."""
    accounts = Principal.objects.filter(id__in=account_ids).select_related("directory")
    existing = {link.account_id: link for link in IdentityLink.objects.filter(account__in=account_ids, ended_at=None)}
    for account in accounts:
        user = _user_of(account)
        link = existing.get(account.pk)
        if link is not None and (user is None or link.user_id != user.pk):
            IdentityLink.objects.filter(pk=link.pk).update(ended_at=timezone.now())
            link = None
        if link is None and user is not None:
            IdentityLink.objects.create(account=account, user=user, address=account.address)


def _user_of(account: Principal) -> User | None:
    """The user this account's address makes it, if the source vouches, the user proved it, and nobody objects."""
    vouched = account.directory is not None and account.directory.vouches_for_emails
    living = account.introduced and account.deleted_at is None and account.kind == Principal.Kind.USER
    if not (vouched and living and account.address):
        return None
    user = User.objects.filter(email=account.address, email_verified_at__isnull=False).first()
    if user is None or _was_revoked(account, user):
        return None
    AddressClaim.objects.bulk_create([AddressClaim(address=account.address, user=user)], ignore_conflicts=True)
    return user if AddressClaim.objects.get(address=account.address).user_id == user.pk else None


def _was_revoked(account: Principal, user: User) -> bool:
    """Whether an administrator parted the two, also if the source has deleted the account and made it again since."""
    same = Principal.objects.filter(directory=account.directory, external_id=account.external_id)
    return IdentityLink.objects.filter(account__in=same, user=user, revoked=True).exists()


def set_vouching(directory: Directory, *, vouches: bool) -> None:
    """An administrator says whether the addresses a source gives are known to be right; links follow (P13)."""
    from accounts.principals import lock

    with transaction.atomic():
        lock(directory.pk)
        Directory.objects.filter(pk=directory.pk).update(vouches_for_emails=vouches)
        accounts = Principal.objects.filter(directory=directory, kind=Principal.Kind.USER, deleted_at=None)
        link_accounts(set(accounts.values_list("id", flat=True)))


def confirm_address(address: str, user: User) -> None:
    """An administrator says that this address now belongs to `user`, whoever it linked to before."""
    from accounts.principals import lock_addresses

    with transaction.atomic():
        lock_addresses()
        AddressClaim.objects.update_or_create(address=address, defaults={"user": user})
        link_address(address)


def revoke(link: IdentityLink) -> None:
    """An administrator ends a link; it does not come back by itself."""
    from accounts.principals import lock

    with transaction.atomic():
        if link.account.directory_id is not None:
            lock(link.account.directory_id)
        IdentityLink.objects.filter(pk=link.pk).update(ended_at=link.ended_at or timezone.now(), revoked=True)


def linked_accounts(user_id: int) -> list[Principal]:
    links = IdentityLink.objects.filter(user_id=user_id, ended_at=None).values("account")
    return list(Principal.objects.filter(id__in=links).select_related("directory").order_by("directory__name", "name"))


def user_for_account(directory_key: str, external_id: str) -> User | None:
    """The active user an account of a source is, by a link in force; None when nobody is known to be it."""
    user = person_behind(directory_key, external_id)
    return user if user is not None and user.may_sign_in else None


def person_behind(directory_key: str, external_id: str) -> User | None:
    """The same, active or not: somebody who may not sign in any more is known all the same."""
    link = (
        IdentityLink.objects.filter(
            account__directory__key=directory_key,
            account__external_id=external_id,
            account__deleted_at=None,
            ended_at=None,
        )
        .select_related("user")
        .first()
    )
    return link.user if link is not None else None


def effective_groups(user_id: int) -> list[Principal]:
    """Every group this person holds now, at any depth, by name (P2). Empty for a person who is not active."""
    held = [id for (id,) in rows("SELECT gatehouse_principals(%s)", [user_id])]
    groups = Principal.objects.filter(id__in=held, kind__in=[Principal.Kind.GROUP, Principal.Kind.EVERYONE])
    return list(groups.select_related("directory").order_by("directory__name", "name", "external_id"))
