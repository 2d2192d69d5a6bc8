"""Installs constraints and indexes."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).with_suffix(".sql").read_text()


class Migration(migrations.Migration):
    dependencies = [("connectors", "0001_initial"), ("accounts", "0002_principals_of_a_person")]
    operations = [migrations.RunSQL(SQL)]
