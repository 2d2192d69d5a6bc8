"""Who: people who sign in, the principals sources name, and what ties the two together."""

from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.models import PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.db.models import Q
from django.utils import timezone

from accounts.addresses import normalised

GLOBAL_EVERYONE = "everyone"
DIRECTORY_EVERYONE = "*"


class Directory(models.Model):
    """A name space of principals: a source, or a company directory (P3). Its row is its identity, not its key."""

    key = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    vouches_for_emails = models.BooleanField(
        default=False, help_text="The addresses it gives for its accounts are known to be right (P13)."
    )

    class Meta:
        verbose_name_plural = "directories"

    def __str__(self) -> str:
        return self.name


class Principal(models.Model):
    """Anything a permission can name. A name nobody has introduced yet is a row with `introduced` false.

    A principal deleted and made again is a new row; the old one stays behind as what old lists name (P3).
    """

    class Kind(models.TextChoices):
        UNKNOWN = "unknown"
        USER = "user"
        GROUP = "group"
        EVERYONE = "everyone"

    directory = models.ForeignKey(Directory, models.CASCADE, null=True, blank=True, related_name="principals")
    external_id = models.TextField()
    kind = models.CharField(max_length=8, choices=Kind.choices, default=Kind.UNKNOWN)
    name = models.TextField(blank=True, default="")
    address = models.TextField(blank=True, default="", help_text="As the source gave it, normalised once (P13).")
    external = models.BooleanField(default=True, help_text="The source does not call it a full member (P3).")
    introduced = models.BooleanField(default=False)
    deleted_at = models.DateTimeField(null=True, blank=True)
    revision = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["directory", "external_id"],
                condition=Q(deleted_at=None),
                nulls_distinct=False,
                name="one_living_principal_of_an_id",
            )
        ]
        indexes = [models.Index(fields=["address"], condition=~Q(address=""), name="principal_address")]

    def __str__(self) -> str:
        return self.name or self.external_id


class Membership(models.Model):
    """`member` is in `group`, until a time where one is set (P17)."""

    group = models.ForeignKey(Principal, models.CASCADE, related_name="+")
    member = models.ForeignKey(Principal, models.CASCADE, related_name="+", db_index=False)  # the constraint has one
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["member", "group"], name="one_membership")]


class Closure(models.Model):
    """Whoever holds the group `holder` holds `group`, over any number of steps. Groups only, never people."""

    group = models.ForeignKey(Principal, models.CASCADE, related_name="+")
    holder = models.ForeignKey(Principal, models.CASCADE, related_name="+", db_index=False)  # the constraint has one
    until = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["holder", "group"], name="one_closure_row")]


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **profile: Any) -> "User":
        """A person whose address somebody entitled to has vouched for: it counts as verified."""
        from accounts import identity, principals

        with transaction.atomic(using=self._db):
            principals.lock_addresses()
            own = Principal.objects.create(external_id=f"user:{uuid4()}", kind=Principal.Kind.USER, introduced=True)
            profile.setdefault("email_verified_at", timezone.now())
            user = self.model(email=normalised(email), principal=own, **profile)
            user.set_password(password)
            user.save(using=self._db)
            identity.link_address(user.email)
        return user

    def create_superuser(self, email: str, password: str | None = None, **profile: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **profile)

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email=normalised(username or ""))


class User(AbstractBaseUser, PermissionsMixin):
    """A person who can sign in. Made by an administrator, a directory or a verified domain, never by registering."""

    email = models.EmailField(unique=True)
    email_verified_at = models.DateTimeField(null=True, blank=True, help_text="Empty: the person is not active (P2).")
    name = models.CharField(max_length=200, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May open the console. Gives no right to read (P12).")
    is_auditor = models.BooleanField(default=False, help_text="May ask why people may read what.")
    external = models.BooleanField(default=False, help_text="From outside: does not hold 'everyone' (P2).")
    principal = models.OneToOneField(Principal, models.PROTECT, related_name="+", editable=False)
    language = models.CharField(max_length=10, default="en")
    country = models.CharField(max_length=100, blank=True)
    office = models.CharField(max_length=100, blank=True)
    role = models.CharField(max_length=100, blank=True)
    department = models.CharField(max_length=100, blank=True)
    answer_style = models.CharField(max_length=200, blank=True)
    standing_instructions = models.TextField(max_length=2000, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []
    objects: ClassVar[UserManager] = UserManager()

    def __str__(self) -> str:
        return self.name or self.email

    def get_full_name(self) -> str:
        return str(self)

    @property
    def may_sign_in(self) -> bool:
        return self.is_active and self.email_verified_at is not None


class AddressClaim(models.Model):
    """The user an address has linked accounts to. It links nothing to another until this row is changed (P13)."""

    address = models.TextField(unique=True)
    user = models.ForeignKey(User, models.SET_NULL, null=True, related_name="+")


class IdentityLink(models.Model):
    """The verified statement "this account is this user" (P13)."""

    account = models.ForeignKey(Principal, models.CASCADE, related_name="+")
    user = models.ForeignKey(User, models.CASCADE, related_name="links")
    address = models.TextField()
    made_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    revoked = models.BooleanField(
        default=False, help_text="Ended by an administrator: it does not come back by itself."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["account"], condition=Q(ended_at=None), name="one_user_of_an_account"),
            models.CheckConstraint(condition=Q(revoked=False) | Q(ended_at__isnull=False), name="revoked_is_ended"),
        ]


class Verb(models.TextChoices):
    READ = "read"
    ASK = "ask"
    INGEST = "ingest"
    ADMIN = "admin"


class AccessToken(models.Model):
    """Lets a program act as a person, within limits (P11). Only the SHA-256 of its secret is kept."""

    user = models.ForeignKey(User, models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=200, blank=True)
    prefix = models.CharField(max_length=12)
    digest = models.BinaryField(max_length=32, unique=True, editable=False)
    verbs = ArrayField(models.CharField(max_length=10, choices=Verb.choices))
    all_sources = models.BooleanField(default=False)
    directories = models.ManyToManyField(Directory, blank=True, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.prefix}…"

    def is_valid_at(self, moment: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > moment)
