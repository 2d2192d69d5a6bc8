"""Attachments are documents of their own, which stand where the document stands that they came in (decision 0021)."""

from pathlib import Path

from django.db import migrations, models
from django.db.models import Q

SQL = Path(__file__).with_suffix(".sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("connectors", "0007_listing")]
    operations = [
        migrations.AddField(
            model_name="document",
            name="container",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                help_text="What it is attached to.",
                null=True,
                on_delete=models.DO_NOTHING,
                related_name="+",
                to="connectors.document",
            ),
        ),
        migrations.RemoveConstraint(model_name="document", name="one_living_document_of_an_id"),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(
                condition=~Q(state="deleted") & Q(container=None),
                fields=("source", "external_id"),
                name="one_living_document_of_an_id",
            ),
        ),
        migrations.AddConstraint(
            model_name="document",
            constraint=models.UniqueConstraint(
                condition=~Q(state="deleted") & Q(container__isnull=False),
                fields=("container", "external_id"),
                name="one_living_attachment_of_an_id",
            ),
        ),
        migrations.AddIndex(
            model_name="document",
            index=models.Index(
                condition=Q(container__isnull=False), fields=["container"], name="attachments_of_a_document"
            ),
        ),
        migrations.RunSQL(SQL),
    ]
