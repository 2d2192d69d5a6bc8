"""Rows with vectors in Postgres's binary COPY form, a block of them at a time.

Of fixed width, so that numpy lays out a whole block at once: writing a million rows one by one takes Python longer
than Postgres. https://www.postgresql.org/docs/18/sql-copy.html#SQL-COPY-BINARY-FORMAT-HEADER
"""

from collections.abc import Sequence

import numpy as np
import psycopg
from numpy.typing import NDArray

from benchmarks.retrieval.corpus import DIMENSIONS, Halves

HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
END = b"\xff\xff"
WIDTH = {"int4": ">i4", "int8": ">i8"}
A_BLOCK = 20_000  # rows


def copy_in(
    connection: psycopg.Connection[tuple[object, ...]],
    table: str,
    numbers: Sequence[tuple[str, str, NDArray[np.integer]]],
    vectors: Halves,
    column: str = "embedding",
) -> None:
    """Rows of whole numbers, each column as (name, int4 or int8, values), and a half vector."""
    names = ", ".join([*(name for name, _, _ in numbers), column])
    with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({names}) FROM STDIN WITH (FORMAT BINARY)") as copy:
        copy.write(HEADER)
        for start in range(0, len(vectors), A_BLOCK):
            block = slice(start, start + A_BLOCK)
            columns = [(kind, values[block]) for _, kind, values in numbers]
            copy.write(_rows(columns, np.asarray(vectors[block])))
        copy.write(END)


def _rows(numbers: Sequence[tuple[str, NDArray[np.integer]]], vectors: Halves) -> bytes:
    fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = [("fields", ">i2")]
    for place, (kind, _) in enumerate(numbers):
        fields += [(f"length{place}", ">i4"), (f"value{place}", WIDTH[kind])]
    # pgvector's halfvec_recv: dimensions, an unused number, then the halves
    fields += [("length", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"), ("halves", ">f2", (DIMENSIONS,))]
    rows = np.zeros(len(vectors), np.dtype(fields))
    rows["fields"] = len(numbers) + 1
    for place, (kind, values) in enumerate(numbers):
        rows[f"length{place}"] = np.dtype(WIDTH[kind]).itemsize
        rows[f"value{place}"] = values
    rows["length"] = 4 + 2 * DIMENSIONS
    rows["dimensions"] = DIMENSIONS
    rows["halves"] = vectors
    return rows.tobytes()
