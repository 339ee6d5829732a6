"""Every setting of the product, each from one environment variable. Embedded and full mode are the one block below.

Nothing but settings belongs here; env.py reads the environment and refuses wrong values with a sentence.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from project import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = Path(env.text("XENBOUND_VAR", str(BASE_DIR / "var")))
VAR_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
_IMPORT_DIR = env.text("XENBOUND_IMPORT_DIR")
IMPORT_DIR = Path(_IMPORT_DIR) if _IMPORT_DIR else None
DEBUG = env.flag("XENBOUND_DEBUG", default=False)
SECRET_KEY = env.secret("XENBOUND_SECRET_KEY", VAR_DIR / "secret.key")
SEALING_KEY = env.secret("XENBOUND_SECRET_KEY_SEALING", VAR_DIR / "sealing.key")

# --- Embedded or full mode: without these two variables everything runs from one folder with `manage.py up` ---------
DATABASES = {"default": env.database("DATABASE_URL", VAR_DIR / "xenbound.sqlite3")}
REDIS_URL = env.redis_url("REDIS_URL")
JOBS_COURIER = "project.backbone.jobs.couriers.celery" if REDIS_URL else "project.backbone.jobs.couriers.local"
CACHES = {
    "default": {
        "BACKEND": f"django.core.cache.backends.{'redis.RedisCache' if REDIS_URL else 'locmem.LocMemCache'}",
        "LOCATION": REDIS_URL or "one web process",
    }
}
# ----------------------------------------------------------------------------------------------------------------------

PUBLIC_URL = env.text("XENBOUND_URL", "http://127.0.0.1:8000")
_PUBLIC = env.split_url("XENBOUND_URL", PUBLIC_URL)
if _PUBLIC.scheme not in ("http", "https") or not _PUBLIC.hostname:
    raise env.WrongSetting("XENBOUND_URL", f"{PUBLIC_URL!r} is not a URL people can open; write https://host.")
HTTPS = _PUBLIC.scheme == "https"
ALLOWED_HOSTS = [_PUBLIC.hostname, "127.0.0.1", "localhost", "[::1]", *env.words("XENBOUND_ALLOWED_HOSTS")]
CSRF_TRUSTED_ORIGINS = [f"{_PUBLIC.scheme}://{_PUBLIC.netloc}"]

PRODUCT_APPS = [
    "project.backbone",
    "project.web",
    "migration.inventory",
    "migration.assessment",
    "migration.planning",
    "migration.conversion",
    "migration.cutover",
    "migration.reports",
    "readiness",
    "kms",
    *env.words("XENBOUND_EXTRA_APPS"),
]
INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    *PRODUCT_APPS,
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "project.backbone.middleware.ProblemMiddleware",
]
CSRF_FAILURE_VIEW = "project.backbone.middleware.csrf_failure"
ROOT_URLCONF = "project.urls"
ASGI_APPLICATION = "project.asgi.application"
WSGI_APPLICATION = "project.wsgi.application"
APPEND_SLASH = False
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

AUTH_USER_MODEL = "backbone.User"
LOGIN_URL = "/login"
LOGIN_REDIRECT_URL = "/"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_AGE = 12 * 3600
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("XENBOUND_BEHIND_PROXY", default=False) else None
X_FRAME_OPTIONS = "DENY"

LOGGING_CONFIG = "project.backbone.logs.configure"
LOGGING = {
    "format": env.one_of("XENBOUND_LOG_FORMAT", "json", ("json", "text")),
    "level": env.one_of("XENBOUND_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR")),
}
USE_TZ = True
TIME_ZONE = "UTC"
USE_I18N = False
LANGUAGE_CODE = "en"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = True
DATA_UPLOAD_MAX_MEMORY_SIZE = 10 * 1024 * 1024
# A body up to this size stays in memory: an upload may hold product keys until they are removed, and no disk may see them.
FILE_UPLOAD_MAX_MEMORY_SIZE = 21 * 1024 * 1024

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "project.backbone.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "project.backbone.api.parsers.StrictJsonParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    "DEFAULT_RENDERER_CLASSES": [
        "project.backbone.api.renderers.FastJSONRenderer",
        "rest_framework.renderers.BrowsableAPIRenderer",
    ],
    "DEFAULT_FILTER_BACKENDS": [
        "django_filters.rest_framework.DjangoFilterBackend",
        "rest_framework.filters.SearchFilter",
        "rest_framework.filters.OrderingFilter",
    ],
    "DEFAULT_PAGINATION_CLASS": "project.backbone.api.pagination.KeysetPagination",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "project.backbone.api.answers.exception_handler",
    "SEARCH_PARAM": "q",
    "ORDERING_PARAM": "ordering",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
KNOX_TOKEN_MODEL = "backbone.ApiToken"  # noqa: S105 - the name of a table
# Our token table stands in for knox's own, so knox's migrations have nothing to make.
MIGRATION_MODULES = {"knox": None}
REST_KNOX = {
    "TOKEN_TTL": timedelta(hours=env.number("XENBOUND_TOKEN_HOURS", 12, least=0.01, most=24 * 366)),
    "AUTH_HEADER_PREFIX": "Bearer",
    "TOKEN_MODEL": KNOX_TOKEN_MODEL,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Xenbound",
    "DESCRIPTION": "Leave VMware for XenServer or XCP-ng: inventory, plan, copy, prove, gate the cutover, count KMS, report.",
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SCHEMA_PATH_PREFIX": r"/api/v1(/projects/\{project_id\})?",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    # Choices stay in place: named enums would change their names whenever another app adds a field of the same name.
    "POSTPROCESSING_HOOKS": ["project.openapi.complete"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}

JOBS_LEASE_S = env.number("XENBOUND_JOB_LEASE_S", 30, least=0.5, most=3600)
JOBS_BEAT_S = env.number("XENBOUND_JOB_BEAT_S", JOBS_LEASE_S / 6, least=0.05, most=JOBS_LEASE_S / 2)
JOBS_RESEND_S = env.number("XENBOUND_JOB_RESEND_S", 60, least=0.1, most=3600)
JOBS_TICK_S = env.number("XENBOUND_JOB_TICK_S", 1, least=0.05, most=60)
JOBS_SLOTS = {
    "default": int(env.number("XENBOUND_SLOTS_DEFAULT", 4, least=1, most=64)),
    "disks": int(env.number("XENBOUND_SLOTS_DISKS", 2, least=1, most=64)),
}

SEGMENT_BYTES = int(env.number("XENBOUND_SEGMENT_BYTES", 8 << 30, least=4 << 20, most=1 << 40))
SEGMENT_S = env.number("XENBOUND_SEGMENT_S", 600, least=10, most=72_000)
WATCH_LOOK_S = env.number("XENBOUND_WATCH_LOOK_S", 60, least=1, most=900)
WATCH_READ_ALL_S = env.number("XENBOUND_WATCH_READ_ALL_S", 21_600, least=60, most=86_400)
WATCH_SURROUNDINGS_S = env.number("XENBOUND_WATCH_SURROUNDINGS_S", 900, least=60, most=86_400)
WATCH_COALESCE_S = env.number("XENBOUND_WATCH_COALESCE_S", 900, least=0, most=86_400)
TRIAL_LOOK_S = env.number("XENBOUND_TRIAL_LOOK_S", 5, least=0.05, most=60)
POOL_LOOK_S = env.number("XENBOUND_POOL_LOOK_S", 20, least=0.05, most=60)
POOL_READ_ALL_S = env.number("XENBOUND_POOL_READ_ALL_S", 3600, least=1, most=86_400)
POOL_UNREADABLE_S = env.number("XENBOUND_POOL_UNREADABLE_S", 120, least=0, most=3600)
TRIAL_CLOCK_FACTOR = env.number("XENBOUND_TRIAL_CLOCK_FACTOR", 1, least=1, most=10_000)
NOTICE_RETRY_S = env.number("XENBOUND_NOTICE_RETRY_S", 10, least=0.05, most=600)
NOTICE_LOOPBACK = env.flag("XENBOUND_NOTICE_LOOPBACK", default=False)
EMAIL_HOST = env.text("XENBOUND_SMTP_HOST")
EMAIL_PORT = int(env.number("XENBOUND_SMTP_PORT", 587, least=1, most=65_535))
EMAIL_HOST_USER = env.text("XENBOUND_SMTP_USER")
EMAIL_HOST_PASSWORD = env.text("XENBOUND_SMTP_PASSWORD")
_SMTP_TLS = env.one_of("XENBOUND_SMTP_TLS", "starttls", ("starttls", "tls", "none"))
EMAIL_USE_TLS, EMAIL_USE_SSL = _SMTP_TLS == "starttls", _SMTP_TLS == "tls"
EMAIL_TIMEOUT = 20
DEFAULT_FROM_EMAIL = env.text("XENBOUND_MAIL_FROM")
MAIL_CONFIGURED = bool(EMAIL_HOST and DEFAULT_FROM_EMAIL)
KEEP_WATCH_DAYS = int(env.number("XENBOUND_KEEP_WATCH_DAYS", 30, least=1, most=36_500))
KEEP_INVENTORY_DAYS = int(env.number("XENBOUND_KEEP_INVENTORY_DAYS", 90, least=1, most=36_500))
KEEP_INVENTORIES = int(env.number("XENBOUND_KEEP_INVENTORIES", 10, least=1, most=100_000))
WORKBOOK_BYTES = int(env.number("XENBOUND_WORKBOOK_BYTES", 128 << 20, least=1 << 20, most=512 << 20))
SHUTDOWN_DEADLINE_S = env.number("XENBOUND_SHUTDOWN_DEADLINE_S", 600, least=1, most=86_400)
