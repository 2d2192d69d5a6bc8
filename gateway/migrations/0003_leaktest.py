"""A table for what leak tests found."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("gateway", "0002_audit")]
    operations = [
        migrations.CreateModel(
            name="LeakTest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(auto_now_add=True)),
                ("door", models.CharField(max_length=300)),
                ("seconds", models.FloatField()),
                ("probes", models.PositiveIntegerField()),
                ("leaks", models.PositiveIntegerField()),
                ("blind", models.PositiveIntegerField(help_text="Boundaries not seen even by those they are open to.")),
                ("boundaries", models.JSONField(default=list)),
            ],
            options={"ordering": ["-id"]},
        ),
    ]
