"""The systems by name, ours first. Each is made when it is wanted: what one needs, another may lack."""

from collections.abc import Callable
from importlib import import_module

from benchmarks.retrieval.peers.system import LeftOut, System, World

SYSTEMS = {
    "gatehouse": "benchmarks.retrieval.peers.gatehouse:Gatehouse",
    "pgvector-where": "benchmarks.retrieval.peers.pgvector:Where",
    "pgvector-relaxed": "benchmarks.retrieval.peers.pgvector:Relaxed",
    "pgvector-strict": "benchmarks.retrieval.peers.pgvector:Strict",
    "pgvector-planner": "benchmarks.retrieval.peers.pgvector:Planner",
    "row-security": "benchmarks.retrieval.peers.row_security:RowSecurity",
    "role-partitions": "benchmarks.retrieval.peers.partitions:RolePartitions",
    "qdrant-edge": "benchmarks.retrieval.peers.outside:Qdrant",
    "lancedb": "benchmarks.retrieval.peers.outside:Lance",
    "chroma": "benchmarks.retrieval.peers.outside:Chroma",
    "faiss": "benchmarks.retrieval.peers.outside:Faiss",
    "llama-index": "benchmarks.retrieval.peers.outside:LlamaIndex",
}
OUTSIDE = ("qdrant-edge", "lancedb", "chroma", "faiss", "llama-index")  # at 100,000 passages only


def system(name: str, world: World) -> System:
    module, _, kind = SYSTEMS[name].partition(":")
    make: Callable[[World], System] = getattr(import_module(module), kind)
    return make(world)


__all__ = ["OUTSIDE", "SYSTEMS", "LeftOut", "System", "World", "system"]
