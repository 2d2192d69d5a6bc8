"""Postgres and Valkey from their wheels, started when a process needs them and stopped when none does.

    up, a command, the tests ──hold──> <data>/services/postgres.users   (shared lock)
                    │
                    └─start──> keeper of Postgres ──owns──> postgres
                               keeper of Valkey   ──owns──> valkey-server

Each server has a keeper, a small process of its own session. It stops its server as soon as nobody
holds the users' lock, however the last user ended. A keeper that is killed takes its server with it.
"""

from gateway.embedded.commands import for_command
from gateway.embedded.own_secrets import Secrets, secrets_of
from gateway.embedded.sharing import database_url, services, valkey_url

__all__ = ["Secrets", "database_url", "for_command", "secrets_of", "services", "valkey_url"]
