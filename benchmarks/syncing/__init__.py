"""How soon a change at a source is in force, and what syncs cost."""
