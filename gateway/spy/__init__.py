"""A language model that behaves as badly as it is told to, to see what an installation makes of it."""
