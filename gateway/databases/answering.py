"""From a question, and the views that were found for it, to rows and a sentence that tells them.

Who writes the SQL decides nothing: what is sent is written anew from it (`writing.py`), over views whose documents all
who will see the answer may read now, and over the rows that name them. Our own database waits for no other.
"""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from hashlib import sha256

from django.db import transaction

from connectors.corpus.hits import Hit
from connectors.sources.database.asking import AskingFailed, Rows, ask
from connectors.sources.database.systems import SPARE
from gateway import audit, pausing
from gateway.answering import model
from gateway.answering.drafts import Draft
from gateway.answering.model import Message
from gateway.answering.providers import ModelUnavailable
from gateway.answering.recording import Asked
from gateway.answering.releasing import EvidenceLost, as_it_stands, cleared, pair_of, pairs_of, readable_evidence
from gateway.answering.threads import in_thread
from gateway.databases import grammar, prompting, wording
from gateway.databases.askable import Askable, askable
from gateway.databases.holding import holding
from gateway.databases.rows import AskedRows, Holding, Table
from gateway.databases.writing import Refused, Statement, written

log = logging.getLogger("gatehouse.answering")

# Of their own: a database that hangs must not keep those threads busy in which everything else is done.
THREADS = ThreadPoolExecutor(max_workers=8, thread_name_prefix="databases")


@dataclass(frozen=True, kw_only=True)
class Found:
    """What became of a question to a database. `whole`: there is no need to look into passages as well."""

    by: str
    draft: Draft
    whole: bool


async def answered(asked: Asked, hits: Sequence[Hit]) -> Found | None:
    """None where nothing was asked of a database; the question is answered from passages then."""
    database = await in_thread(askable, hits)
    if database is None:
        return None
    try:
        by, sql, shown = await _by_model(asked, database)
    except ModelUnavailable:
        by, sql, shown = await _by_grammar(asked, database)
    except EvidenceLost:
        return None
    if sql is None:
        return None
    now, held = await in_thread(_as_it_stands, asked, shown)
    if now is None:
        return None
    try:
        statement = await asyncio.to_thread(written, sql, now.place.system, now.views, held.names, now.limits.rows)
    except Refused as refused:
        log.info("SQL for the question %s is not sent: %s", asked.question_id, refused)
        await in_thread(_note, asked, now, "refused", sql, list(now.views))
        return None
    evidence = tuple(now.hits[view][0] for view in statement.views)
    try:
        rows = await _asked_of(now, statement)
    except AskingFailed as failed:
        log.warning("A database did not answer the question %s: %s", asked.question_id, failed.fault)
        await in_thread(_note, asked, now, failed.fault, statement.sql, statement.views)
        draft = Draft(text=wording.fault(failed.fault, asked.person.language), evidence=evidence)
        return Found(by=by, draft=draft, whole=False)
    await in_thread(_note, asked, now, "answered", statement.sql, statement.views, len(rows.rows))
    table = Table(sql=statement.shown, columns=statement.columns, rows=rows.rows, more=rows.more)
    ruled = any(now.views[view].rows is not None for view in statement.views)
    found = AskedRows(
        source=now.source,
        table=table,
        holding=held if ruled else None,
        context=frozenset(map(pair_of, shown)),
    )
    draft = Draft(text=wording.told(table, asked.person.language), evidence=evidence, rows=found)
    return Found(by=by, draft=draft, whole=bool(rows.rows))


Worded = tuple[str, str | None, list[Hit]]  # who wrote it, the SQL, and the passages it was written from


async def _by_model(asked: Asked, database: Askable) -> Worded:
    """By the first model that may be told of the views and answers. Raises ModelUnavailable, and EvidenceLost."""
    shown: list[Hit] = []
    by = ""

    async def prompt(name: str) -> list[Message]:
        nonlocal shown, by
        by, shown = name, await _cleared(asked, database, name)
        views = database.only(shown).views
        if not views:
            raise EvidenceLost
        return prompting.messages(asked.text, asked.earlier, views, database.place.system)

    sources = {hit.source for hit in database.passages}
    said = await model.completed(prompt, use="query", sources=sources, user_id=asked.person.pk)
    return by, prompting.statement_in(said), shown


async def _by_grammar(asked: Asked, database: Askable) -> Worded:
    shown = await _cleared(asked, database, grammar.NAME)
    views = database.only(shown).views
    return grammar.NAME, grammar.query_of(asked.text, views, database.place.system) if views else None, shown


async def _cleared(asked: Asked, database: Askable, by: str) -> list[Hit]:
    """The passages that may be told of right now, which is noted."""
    await pausing.at("before_prompt")
    return await in_thread(cleared, asked, database.passages, by)


def _as_it_stands(asked: Asked, shown: Sequence[Hit]) -> tuple[Askable | None, Holding]:
    """What of it may be asked at this moment, and under which names: writing the SQL may have taken a while (P15)."""
    readable = as_it_stands(shown, readable_evidence(asked.reader, pairs_of(shown)))
    if len(readable) < len(shown):  # the SQL may hold words of what was lost (P16)
        return None, Holding(source=0, names=frozenset())
    now = askable(readable)
    source = 0 if now is None else now.source
    return now, holding(asked.reader, source)


async def _asked_of(database: Askable, statement: Statement) -> Rows:
    """Raises AskingFailed, whatever happens over there, and soon after its time is over."""
    loop = asyncio.get_running_loop()
    answer = loop.run_in_executor(THREADS, ask, database.place, statement.sql, statement.parameters, database.limits)
    try:
        return await asyncio.wait_for(answer, database.limits.seconds + 2 * SPARE)
    except TimeoutError:
        raise AskingFailed("slow") from None


def _note(asked: Asked, database: Askable, outcome: str, sql: str, views: Sequence[str], rows: int = 0) -> None:
    """Audit what was sent, or why nothing was: by digest, for the SQL holds words of the question."""
    details = {
        "question": str(asked.question_id),
        "door": asked.door,
        "token": asked.reader.asker.token_id,
        "viewers": asked.reader.text,
        "source": next(hit.source for hit in database.passages),
        "views": list(views),
        "statement": sha256(sql.encode("utf-8", "backslashreplace")).hexdigest(),
        "outcome": outcome,
        "rows": rows,
    }
    kind = "answer.rows" if outcome == "answered" else "answer.no_rows"
    with transaction.atomic(durable=True):
        audit.record(kind, user_id=asked.reader.asker.user_id, details=details)
