"""All settings, read once from the environment (or a `.env` file). README lists them."""

import os
import sys
from pathlib import Path
from typing import Any

import environ

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if os.environ.get("GATEHOUSE_ENV_FILE", "") != "none":
    env.read_env(os.environ.get("GATEHOUSE_ENV_FILE") or BASE_DIR / ".env")

from gateway import embedded, start  # noqa: E402  (after the .env file is read)

start.refuse_unknown_settings(os.environ)

DATA_DIR = Path(env.str("GATEHOUSE_DATA_DIR", default=str(BASE_DIR / "var"))).resolve()
DATABASE_URL = env.str("DATABASE_URL", default="")
REDIS_URL = env.str("REDIS_URL", default="")
# Evaluation is what `make up` runs: loopback only, secrets made by itself, the demo company allowed.
MODE = env.str("GATEHOUSE_MODE", default="production" if DATABASE_URL else "evaluation")
EVALUATION = MODE == "evaluation"
DEBUG = env.bool("DEBUG", default=False)
PROCESS = env.str("GATEHOUSE_PROCESS", default="command")  # web, worker, embedder, scheduler or command
PAUSE_POINTS = env.str("GATEHOUSE_PAUSE_POINTS", default="")
PUBLIC_URL = env.str("GATEHOUSE_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")

own_secrets = embedded.secrets_of(DATA_DIR) if EVALUATION or not (DATABASE_URL and REDIS_URL) else None
SECRET_KEY = env.str("SECRET_KEY", default=own_secrets.secret_key if own_secrets and EVALUATION else "")
ENCRYPTION_KEYS = env.list(
    "GATEHOUSE_ENCRYPTION_KEYS",
    default=[own_secrets.encryption_key] if own_secrets and EVALUATION else [],
)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"] if EVALUATION else [])
start.refuse_insecure(
    mode=MODE,
    debug=DEBUG,
    secret_key=SECRET_KEY,
    encryption_keys=ENCRYPTION_KEYS,
    allowed_hosts=ALLOWED_HOSTS,
    pause_points=PAUSE_POINTS,
)

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "csp",
    "accounts",
    "connectors",
    "gateway",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "gateway.middleware.unavailable",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "gateway.urls"
ASGI_APPLICATION = "gateway.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "gateway" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "gateway.portal.context.installation",
            ]
        },
    }
]

# --- data -------------------------------------------------------------------------------------------
database: dict[str, Any] = env.db_url_config(DATABASE_URL or embedded.database_url(DATA_DIR))
database |= {"ENGINE": "django.db.backends.postgresql", "CONN_MAX_AGE": 0, "CONN_HEALTH_CHECKS": True}
database["OPTIONS"] = database.get("OPTIONS", {}) | {"connect_timeout": 5}
if PROCESS == "web":
    # The second wall: what the web reads of content is bound by row-level security (decision 0014).
    own_options = database["OPTIONS"].get("options", "")
    database["OPTIONS"]["options"] = f"{own_options} -c role=gatehouse_web".strip()
    # A growing pool tries to connect with longer and longer pauses, and nothing else grows it meanwhile: it gives up
    # early, so that the next request after an outage tries at once.
    database["OPTIONS"]["pool"] = {
        "min_size": 1,
        "max_size": env.int("GATEHOUSE_DB_POOL", default=10),
        "timeout": 5,
        "reconnect_timeout": 2,
    }
DATABASES = {"default": database}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

BROKER_URL = REDIS_URL or embedded.valkey_url(DATA_DIR)
CELERY_BROKER_URL = BROKER_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_CREATE_MISSING_QUEUES = False
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None  # for as long as it takes
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "socket_timeout": 30,
    "socket_connect_timeout": 5,
    "socket_keepalive": True,
    "visibility_timeout": 3600,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
# Postgres knows what is due; the scheduler only looks, and a lost message costs one look (decision 0003).
# A worker judges by its own clock whether a wake-up is over: hours, so that one whose clock is off still wakes, and
# so that they do not heap up for ever where none works.
WAKING = 2 * 3600  # seconds
CELERY_BEAT_SCHEDULE = {
    "sync-due": {"task": "connectors.tasks.sync_due", "schedule": 5.0, "options": {"expires": WAKING}},
    "ingest": {"task": "connectors.tasks.ingest", "schedule": 5.0, "options": {"expires": WAKING}},
    "embed": {"task": "connectors.tasks.embed", "schedule": 5.0, "options": {"expires": WAKING}},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(DATA_DIR / "scheduler")

# --- who --------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["accounts.backends.VerifiedBackend"]
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "ask"
LOGOUT_REDIRECT_URL = "sign-in"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# --- language and time --------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True

# --- pages ------------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = None if EVALUATION else BASE_DIR / "staticfiles"  # evaluation serves them from where they lie
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 80 * 1024 * 1024  # a 50 MB file in base64, with its record
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "form-action": ["'self'"],
        "base-uri": ["'none'"],
        "frame-ancestors": ["'none'"],
    }
}
SECURE_REFERRER_POLICY = "same-origin"  # none at all makes browsers send "Origin: null", which CSRF refuses
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
BEHIND_TLS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = BEHIND_TLS
SECURE_SSL_REDIRECT = BEHIND_TLS
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$"]
SECURE_HSTS_SECONDS = 31_536_000 if BEHIND_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = BEHIND_TLS
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if BEHIND_TLS else None
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "gateway.api.authentication.BearerToken",
        "gateway.api.authentication.PortalSession",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["gateway.api.authentication.HasVerb"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["gateway.api.parsing.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gateway.api.errors.handle",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Gatehouse",
    "VERSION": "1",
    "DESCRIPTION": "Search, cited answers and push ingestion, each as the person who asks.",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SERVE_PERMISSIONS": ["rest_framework.permissions.IsAuthenticated"],
}

# --- models -----------------------------------------------------------------------------------------
LLM_BASE_URL = env.str("LLM_BASE_URL", default="")
LLM_API_KEY = env.str("LLM_API_KEY", default="")
LLM_MODEL = env.str("LLM_MODEL", default="")
LLM_CLASS = env.str("LLM_CLASS", default="")
LLM_LOCAL = env.bool("LLM_LOCAL", default=False)  # whether it runs on the organisation's own premises
LLM_CONTEXT_TOKENS = env.int("LLM_CONTEXT_TOKENS", default=8_192)
LLM_REWRITE_MODEL = env.str("LLM_REWRITE_MODEL", default="")
LLM_JUDGE_MODEL = env.str("LLM_JUDGE_MODEL", default="")
LLM_QUERY_MODEL = env.str("LLM_QUERY_MODEL", default="")
LLM_FALLBACK_BASE_URL = env.str("LLM_FALLBACK_BASE_URL", default="")
LLM_FALLBACK_API_KEY = env.str("LLM_FALLBACK_API_KEY", default="")
LLM_FALLBACK_MODEL = env.str("LLM_FALLBACK_MODEL", default="")
LLM_FALLBACK_CLASS = env.str("LLM_FALLBACK_CLASS", default="")
LLM_FALLBACK_LOCAL = env.bool("LLM_FALLBACK_LOCAL", default=False)
LLM_FALLBACK_CONTEXT_TOKENS = env.int("LLM_FALLBACK_CONTEXT_TOKENS", default=0)  # 0: as many as the first
LLM_CLOCK = start.seconds("LLM_CLOCK", env.str("LLM_CLOCK", default="3, 15, 10, 60"))
LLM_DAILY_TOKENS = env.int("LLM_DAILY_TOKENS", default=0)  # 0: no budget
LLM_DAILY_TOKENS_PER_PERSON = env.int("LLM_DAILY_TOKENS_PER_PERSON", default=0)
GENERAL_KNOWLEDGE = env.bool("GENERAL_KNOWLEDGE", default=False)  # a marked paragraph of it where nothing is found
if LLM_LOCAL and (LLM_FALLBACK_BASE_URL or LLM_FALLBACK_CLASS) and not LLM_FALLBACK_LOCAL:
    start.stop("LLM_FALLBACK_LOCAL is off while LLM_LOCAL is on: what may go to the first could not go to the second.")
EMBED_BASE_URL = env.str("EMBED_BASE_URL", default="")
EMBED_API_KEY = env.str("EMBED_API_KEY", default="")
EMBED_MODEL = env.str("EMBED_MODEL", default="")
EMBED_DIMENSIONS = env.int("EMBED_DIMENSIONS", default=0)
EMBED_CLASS = env.str("EMBED_CLASS", default="")
SEARCH_MEANING, SEARCH_MEANING_BY_KIND = start.meaning(env.str("SEARCH_MEANING", default="0.5"))

RERANK_BASE_URL = env.str("RERANK_BASE_URL", default="")
RERANK_API_KEY = env.str("RERANK_API_KEY", default="")
RERANK_MODEL = env.str("RERANK_MODEL", default="")
RERANK_SHAPE = env.str("RERANK_SHAPE", default="cohere")
if RERANK_SHAPE not in ("cohere", "tei"):
    start.stop("RERANK_SHAPE is neither 'cohere' nor 'tei'.")
RERANK_CLASS = env.str("RERANK_CLASS", default="")

# --- Slack ------------------------------------------------------------------------------------------
SLACK_BOT_TOKEN = env.str("SLACK_BOT_TOKEN", default="")
SLACK_SIGNING_SECRET = env.str("SLACK_SIGNING_SECRET", default="")
SLACK_API_BASE_URL = env.str("SLACK_API_BASE_URL", default="https://slack.com/api/")

# --- logs -------------------------------------------------------------------------------------------
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "{asctime} {levelname} {name} {message}", "style": "{"}},
    "filters": {"outages": {"()": "gateway.outages.Outages"}},
    "handlers": {
        "console": {
            "class": "logging.StreamHandler",
            "stream": sys.stderr,
            "formatter": "plain",
            "filters": ["outages"],
        }
    },
    "root": {"handlers": ["console"], "level": env.str("GATEHOUSE_LOG_LEVEL", default="WARNING")},
    "loggers": {"gatehouse": {"level": env.str("GATEHOUSE_LOG_LEVEL", default="INFO")}},
}
SILENCED_SYSTEM_CHECKS = ["security.W004", "security.W008", "security.W012", "security.W016"] if not BEHIND_TLS else []
