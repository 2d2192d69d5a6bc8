from connectors.sources.github.connector import GitHub

__all__ = ["GitHub"]
