from connectors.sources.confluence.connector import Confluence

__all__ = ["Confluence"]
