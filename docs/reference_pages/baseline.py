"""baseline.md: every field of a baseline, and of what stands beside a raw dump."""

from __future__ import annotations

import json

from icraft_adapt.adapter.gate.baseline_json import PATH as BASELINE
from icraft_adapt.adapter.gate.dump import PATH as DUMP
from icraft_adapt.docs.reference_pages.markdown import document, table
from icraft_adapt.docs.reference_pages.schema import rows, section


def pages() -> dict[str, str]:
    """The page, by its name."""
    schema, beside = (json.loads(path.read_text(encoding="utf-8")) for path in (BASELINE, DUMP))
    intro = [
        f"{schema['description']} The contract is [baseline.schema.json](../baseline.schema.json); what it is for:"
        " [ci.md](../ci.md#the-golden-baseline). `packed` numbers are deflated, in base64."
    ]
    sections = [section(name, field, True) for name, field in schema["properties"].items()]
    dump = [
        "## A dump's description",
        "",
        f"{beside['description']} The contract is [dump.schema.json](../dump.schema.json).",
        "",
        *table(("field", "type", "there", "meaning"), rows("", beside)),
    ]
    source = "`docs/baseline.schema.json` and `docs/dump.schema.json`"
    return {"baseline.md": document("Baselines and dumps", source, intro, *sections, dump)}
