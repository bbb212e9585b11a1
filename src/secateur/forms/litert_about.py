"""Words in the metadata of a .tflite file: an entry and a buffer each, as the format's schema has it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any


def tell(file: Path, said: Mapping[str, str]) -> None:
    """Put `said` into the file, beside the metadata that it has."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(file.read_bytes(), 0)
    model.metadata = model.metadata or []
    for name, value in said.items():
        buffer = schema.BufferT()
        buffer.data = list(value.encode())
        entry = schema.MetadataT()
        entry.name, entry.buffer = name, len(model.buffers)
        model.buffers.append(buffer)
        model.metadata.append(entry)
    builder = flatbuffers.Builder(0)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    file.write_bytes(bytes(builder.Output()))


def told(file: Path) -> dict[str, str]:
    """What `tell` put there."""
    from ai_edge_litert import schema_py_generated as schema

    model: Any = schema.Model.GetRootAs(file.read_bytes(), 0)
    found = {}
    for i in range(model.MetadataLength()):
        entry = model.Metadata(i)
        name = entry.Name().decode()
        if name.startswith("secateur."):
            found[name] = bytes(model.Buffers(entry.Buffer()).DataAsNumpy()).decode()
    return found
