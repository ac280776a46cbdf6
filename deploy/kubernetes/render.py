"""Renders the chart to the plain manifests of this folder, one file per template, and the settings to config.yaml.

`render.py [FOLDER]` writes them to FOLDER, by default this one. A test keeps the files equal to the chart. Of
config.yaml the kustomization generates a ConfigMap whose name changes with it, which restarts the pods; so the chart's
checksums, which do the same in a Helm release, are left out.
"""

import re
import sys
from collections.abc import Iterator
from pathlib import Path

import helm_python
import yaml

HERE = Path(__file__).parent
CHART = HERE.parent / "helm" / "s3mover"
HEAD = "# Rendered from deploy/helm/s3mover and values.yaml of this folder by `make manifests`.\n"
# Lines that make sense only in a Helm release.
RELEASE_ONLY = ("app.kubernetes.io/managed-by:", "helm.sh/")
CHECKSUMS = re.compile(r"^ +annotations:\n(?: +checksum/.*\n)+", re.MULTILINE)
SETTINGS = "configmap.yaml"


def manifests() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each manifest."""
    values = yaml.safe_load((HERE / "values.yaml").read_text("utf-8"))
    rendered = helm_python.Chart.load(CHART).render(values, name="s3mover", namespace="s3mover")
    for template, text in sorted(rendered.items()):
        name = template.removeprefix("s3mover/templates/")
        if name == SETTINGS:
            yield "config.yaml", HEAD + yaml.safe_load(text)["data"]["config.yaml"].partition("\n")[2]
        elif "/" not in name and name.endswith(".yaml") and text.strip():
            yield name, HEAD + _without_release(text.strip() + "\n")


def _without_release(text: str) -> str:
    lines = CHECKSUMS.sub("", text).splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith(RELEASE_ONLY)) + "\n"


def main(folder: Path) -> None:
    """Write the manifests to `folder`."""
    for name, text in manifests():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:] else HERE)
