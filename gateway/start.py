"""What stops the start: unknown settings and insecure ones, each with one line that names it."""

import base64
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

EX_CONFIG = 78  # sysexits.h: something was found in an unconfigured or misconfigured state

KNOWN = frozenset(
    "GATEHOUSE_" + name
    for name in (
        "DATA_DIR",
        "DB_POOL",
        "ENCRYPTION_KEYS",
        "ENV_FILE",
        "LOG_LEVEL",
        "MODE",
        "PAUSE_POINTS",
        "PROCESS",
        "PUBLIC_URL",
    )
)


def stop(sentence: str) -> NoReturn:
    print(f"Gatehouse does not start: {sentence}", file=sys.stderr)
    raise SystemExit(EX_CONFIG)


def refuse_unknown_settings(environment: Mapping[str, str]) -> None:
    """A misspelt setting is an error, not a silent default. Names Kubernetes injects are left alone."""
    for name in sorted(environment):
        injected = "_SERVICE_" in name or "_PORT" in name
        if name.startswith("GATEHOUSE_") and name not in KNOWN and not injected:
            stop(f"{name} is not a setting. README lists the settings.")


def refuse_insecure(
    *,
    mode: str,
    debug: bool,
    secret_key: str,
    encryption_keys: Sequence[str],
    allowed_hosts: Sequence[str],
    pause_points: str,
) -> None:
    if mode not in ("evaluation", "production"):
        stop("GATEHOUSE_MODE is neither 'evaluation' nor 'production'.")
    if pause_points and not debug:
        stop("GATEHOUSE_PAUSE_POINTS is for tests and needs DEBUG.")
    if mode == "evaluation":
        return
    insecure = (
        (debug, "DEBUG is on. Switch it off in production."),
        (len(secret_key) < 50, "SECRET_KEY is unset or shorter than 50 characters. Make one: openssl rand -hex 60"),
        (not encryption_keys, "GATEHOUSE_ENCRYPTION_KEYS is unset. Make one: openssl rand -base64 32"),
        (not all(map(is_key, encryption_keys)), "GATEHOUSE_ENCRYPTION_KEYS holds what is not the base64 of 32 bytes."),
        (not allowed_hosts or "*" in allowed_hosts, "ALLOWED_HOSTS is unset or '*'. Name the host people type."),
    )
    for wrong, sentence in insecure:
        if wrong:
            stop(sentence)


def is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == 32
    except ValueError:
        return False


def meaning(text: str) -> tuple[float, dict[str, float]]:
    """What nearness in meaning counts against words, 0..1, and where it is another: `0.5, github: 0.4`."""
    whole, by_kind = 0.5, dict[str, float]()
    for part in filter(None, (part.strip() for part in text.split(","))):
        kind, _, number = part.rpartition(":")
        try:
            weight = float(number)
        except ValueError:
            weight = -1.0
        if not 0 <= weight <= 1:
            stop(f"SEARCH_MEANING holds {part!r}. It is a number from 0 to 1, and kinds with theirs: 0.5, github: 0.4")
        if kind.strip():
            by_kind[kind.strip()] = weight
        else:
            whole = weight
    return whole, by_kind


def seconds(name: str, text: str) -> tuple[float, float, float, float]:
    """A model's clock: to connect, to the first token, between tokens, in all; each up to an hour."""
    try:
        connect, first, between, total = map(float, text.split(","))
    except ValueError:
        connect = first = between = total = 0.0
    if not all(0 < each <= 3_600 for each in (connect, first, between, total)):
        stop(f"{name} is not four numbers of seconds: to connect, to the first token, between tokens, in all.")
    return connect, first, between, total
