"""The leak test: canaries on both sides of every boundary of the running installation, looked for at every door."""
