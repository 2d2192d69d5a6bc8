"""The programs of the engines outside. They run in `.venv-peers`, and share with the rest what needs numpy alone."""
