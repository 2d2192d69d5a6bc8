"""Contents that wait know their source, so that workers take of each source in turn."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("connectors", "0010_unfetched")]

    operations = [
        migrations.AddField("content", "source_id", models.BigIntegerField(default=0), preserve_default=False),
        migrations.RunSQL(
            "UPDATE connectors_content c SET source_id = d.source_id FROM connectors_document d "
            "WHERE d.id = c.document_id"
        ),
        migrations.RemoveIndex("content", "content_due"),
        migrations.AddIndex("content", models.Index(fields=["source_id", "due_at"], name="content_due_of_a_source")),
    ]
