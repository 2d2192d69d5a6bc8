"""Thirty files among three hundred that are made to break whoever reads them: they alone are set aside, each by its
reason, and the processes that read them live on."""

from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any

import psutil
import pytest
from PIL import Image

from connectors import adding
from connectors.models import Content, Document, Source
from connectors.sources.folder import ACCESS_FILE
from gateway.celery import app
from tests.connectors.files import making
from tests.faults import child, inside, processes
from tests.processes import on_this_database, within

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

GOOD = 270


def poison() -> Mapping[str, tuple[bytes, str]]:
    """By their names, what is in them and why they are set aside."""
    return {
        **several("crash.txt", "crashed", 4, lambda n: b"Words, then " + child.SEGFAULT + b"%d" % n),
        **several("endless.md", "parse_timeout", 1, lambda n: b"# On and on " + child.ENDLESS + b"%d" % n),
        **several("locked.pdf", "encrypted", 3, lambda n: making.encrypted_pdf()),
        **several("bomb.docx", "expansion_limit", 2, lambda n: making.docx_of(b" " * (300_000_000 + n))),
        **several("deep.html", "expansion_limit", 2, lambda n: b"<html>" + b"<div>" * (100_000 + n) + b"deep"),
        "many.docx": (
            making.docx_of("<w:document/>", **{f"word/media/{number}": "" for number in range(10_001)}),
            "expansion_limit",
        ),
        "laughs.docx": (making.paragraph_docx("ha &l9;", making.billion_laughs()), "corrupt"),
        **several(
            "slip.docx", "unsafe_archive", 2, lambda n: making.docx_of("<w:document/>", **{f"../../etc/cron{n}": "x"})
        ),
        "eater.html": (b"<html>" + b"<p>" * 12_000_000, "memory_limit"),
        "long.txt": (b"word " * 5_000_000, "too_large"),
        **several("half.pdf", "corrupt", 2, lambda n: making.pdf()[: 200 + n]),
        **several("half.docx", "corrupt", 2, lambda n: making.docx()[: 3_000 + n]),
        "scratched.xlsx": (making.scratched(making.xlsx()), "corrupt"),
        "scratched.pptx": (making.scratched(making.pptx()), "corrupt"),
        **several("nothing.md", "empty", 2, lambda n: b""),
        "program.docx": (b"\x7fELF" + bytes(range(256)) * 40, "corrupt"),
        "program.exe": (b"MZ\x90\x00" + bytes(range(256)) * 40, "unsupported_type"),
        **several("blank.pdf", "no_text", 2, lambda n: blank(n)),
    }


def several(name: str, reason: str, count: int, made: Callable[[int], bytes]) -> dict[str, tuple[bytes, str]]:
    return {f"{number}-{name}": (made(number), reason) for number in range(count)}


def blank(number: int) -> bytes:
    """A scan on which nothing is to be seen."""
    stream = BytesIO()
    Image.new("L", (600 + number, 400), 255).save(stream, "PDF")
    return stream.getvalue()


def good(number: int) -> tuple[str, bytes]:
    """Every format, most of them plain."""
    kinds = {"docx": making.docx, "xlsx": making.xlsx, "pptx": making.pptx, "pdf": making.pdf}
    ending = [*kinds][number] if number < len(kinds) else ("md", "html", "txt")[number % 3]
    content = kinds[ending]() if ending in kinds else f"Note {number} is about subject {number % 7}.".encode()
    return f"note-{number:03}.{ending}", content


def pools(gateway: processes.Gateway) -> set[int]:
    """The processes that work, their heads among them, without the parsers."""
    pids = {pid for worker in gateway.workers for pid in processes.tree_of(worker.pid)}
    return {pid for pid in pids if "celery" in processes.command_of(pid)}


@pytest.mark.parametrize("defect", ["", "attempts-not-counted"], ids=["sound", "defect"])
def test_poisoned_files_are_set_aside_each_by_its_reason_and_the_others_are_read(tmp_path: Path, defect: str) -> None:
    """Where attempts are not counted, what ends its parser is tried for ever: that is seen."""
    folder = tmp_path / "files"
    folder.mkdir()
    wanted = dict(poison()) if not defect else {"0-crash.txt": (child.SEGFAULT, "crashed")}
    assert defect or len(wanted) == 30
    for name, (content, _) in wanted.items():
        (folder / name).write_bytes(content)
    amount = GOOD if not defect else 3
    for number in range(amount):
        name, content = good(number)
        (folder / name).write_bytes(content)
    (folder / ACCESS_FILE).write_text("grants: [everyone]\n")
    channel: Any = app.connection_for_write().default_channel
    channel.client.flushdb()
    environment = on_this_database("worker") | {inside.A_FILE: "30"}  # a machine may be busy
    with processes.running(tmp_path, environment, defect=defect) as gateway:
        adding.add_source("files", kind="folder", settings={"path": str(folder)}, vouches_for_emails=True)
        Source.objects.update(interval=3600)
        documents = Document.past_the_guard.all()
        assert within(120, lambda: documents.filter(state="live").count() > 0), gateway.log()
        before = pools(gateway)
        ended = within(
            400 if not defect else 15, lambda: documents.count() >= amount and not Content.past_the_guard.exists()
        )
        assert ended is not bool(defect), gateway.log()
        survived = {pid for pid in before if psutil.pid_exists(pid)}
    assert survived == before
    if not defect:
        set_aside = dict(documents.filter(state="quarantined").values_list("external_id", "reason"))
        assert set_aside == {name: reason for name, (_, reason) in wanted.items()}
        assert documents.filter(state="live").count() == GOOD
