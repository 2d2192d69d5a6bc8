"""`manage.py doctor`: what is here, and what is missing, a line each."""

import platform
from importlib import metadata
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import connection

from connectors.corpus import index_state, soundness
from connectors.parsing import sandbox_report
from gateway import health
from gateway.celery import QUEUES
from gateway.embedded.places import places_of
from gateway.retrieval import has_reranker

PACKAGES = ("django", "psycopg", "celery", "llama-index-core", "onnxruntime")


class Command(BaseCommand):
    help = "Say what is here and what is missing; exits non-zero if something is."
    requires_system_checks = ()

    def handle(self, **_: Any) -> None:
        self.stdout.write(f"Python {platform.python_version()} on {platform.system()} {platform.release()}")
        self.stdout.write(", ".join(f"{name} {metadata.version(name)}" for name in PACKAGES))
        self.stdout.write(f"Mode: {settings.MODE}; data directory: {settings.DATA_DIR}")
        if not (settings.DATABASE_URL and settings.REDIS_URL):
            self.stdout.write(f"Embedded services: files in {places_of(settings.DATA_DIR).home}")
        problems = [problem for problem in dict.fromkeys(map(_problem, CHECKS)) if problem]
        if not problems:
            self.stdout.write(_database())
            for line in index_state.described():
                self.stdout.write(line)
            problems = soundness.findings() + index_state.problems() + self._workers()
        problems += self._reranker()
        for wall in sandbox_report():
            self.stdout.write(f"Parsing is less shut away here than it could be: {wall}")
        for problem in problems:
            self.stderr.write(f"Problem: {problem}")
        if problems:
            raise SystemExit(1)
        self.stdout.write("Nothing is missing.")

    def _workers(self) -> list[str]:
        """Queues from which nobody takes. In an evaluation nobody need be at work."""
        unattended = health.unattended_queues()
        if unattended is None and settings.EVALUATION:
            self.stdout.write("No worker is at work. `make up` starts them.")
            return []
        return [
            f"no worker takes from the queue {queue}, so there wait: {QUEUES[queue]}. "
            f"Start one: celery -A gateway.celery worker --queues {queue}"
            for queue in (QUEUES if unattended is None else unattended)
        ]

    def _reranker(self) -> list[str]:
        """What is wrong with the reranker, if there is one. Searches go on without it, so nobody else would tell."""
        if not has_reranker():
            return []
        from gateway import reranking

        try:
            seconds = reranking.tried()
        except reranking.NotReranked as problem:
            return [
                f"the reranker is of no help: {problem} Searches keep their own order until it is put right, or "
                "RERANK_BASE_URL and RERANK_CLASS are unset."
            ]
        self.stdout.write(f"The reranker answers in {seconds:.2f} s")
        if seconds <= reranking.CLOCK.answer:
            return []
        return [
            f"the reranker takes {seconds:.1f} s for as much as a search sends, and a search waits "
            f"{reranking.CLOCK.answer} s for it. Give it a smaller model or a faster machine."
        ]


CHECKS = (
    health.require_room,
    health.require_database,
    health.require_pgvector,
    health.require_migrations,
    health.require_wall,
    health.require_broker,
)


def _problem(check: Any) -> str:
    try:
        check()
    except health.NotReady as problem:
        return str(problem)
    return ""


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT current_setting('server_version'), extversion, pg_size_pretty(pg_database_size(current_database()))"
            " FROM pg_extension WHERE extname = 'vector'"
        )
        version, pgvector, size = cursor.fetchone()
    return f"PostgreSQL {version}, pgvector {pgvector}, {size}"
