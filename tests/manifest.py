"""`python -m tests.manifest SCHEMA`: the Slack manifest against Slack's own JSON schema.

Slack publishes the schema of app manifests; it is not ours to ship, so it is named.
What the code needs of the manifest is compared in `tests/test_manifest.py`.
"""

import json
import sys
from pathlib import Path

import jsonschema
import yaml

MANIFEST = Path(__file__).parent.parent / "deploy" / "slack-manifest.yaml"


def faults(manifest: object, schema: object) -> list[str]:
    """Return what the schema does not allow, each with its place; none: it is valid."""
    assert isinstance(schema, dict)
    judge = jsonschema.validators.validator_for(schema)(schema)
    found = sorted(judge.iter_errors(manifest), key=lambda fault: str(fault.path))
    return [
        f"{'.'.join(map(str, fault.absolute_path)) or 'the manifest'}: {fault.message}"
        for fault in found
    ]


def main() -> int:
    """Print the faults; 1 if there are any."""
    if len(sys.argv) != 2:
        print("usage: python -m tests.manifest SCHEMA.json", file=sys.stderr)
        return 2
    schema = json.loads(Path(sys.argv[1]).read_text())
    found = faults(yaml.safe_load(MANIFEST.read_text()), schema)
    print("\n".join(found) or f"{MANIFEST.name} is valid.")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
