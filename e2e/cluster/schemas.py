"""Schemas for kubeconform, from the description of its API that a release of Kubernetes carries.

Each kind becomes one file without references, and unknown fields are refused: a misspelt key is an error, not a wish.
"""

import json

EITHER = {"io.k8s.apimachinery.pkg.util.intstr.IntOrString": ["string", "integer"],
          "io.k8s.apimachinery.pkg.api.resource.Quantity": ["string", "number"]}


def resolved(node, definitions, path=()):
    """The schema with its references replaced; one that leads back to itself allows anything there."""
    if isinstance(node, list):
        return [resolved(item, definitions, path) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        name = node["$ref"].removeprefix("#/definitions/")
        if name in EITHER:
            return {"type": EITHER[name]}
        return {} if name in path else resolved(definitions[name], definitions, (*path, name))
    out = {k: resolved(v, definitions, path) for k, v in node.items() if k != "description" and not k.startswith("x-")}
    if isinstance(out.get("properties"), dict) and out.get("type") == "object":
        out.setdefault("additionalProperties", False)
    return out


def write(swagger, kinds, folder):
    """Writes the schemas of the wanted kinds (`apps/v1 Deployment`, `v1 Service`) and returns those without one."""
    definitions = json.loads(swagger.read_text())["definitions"]
    folder.mkdir(parents=True, exist_ok=True)
    missing = set(kinds)
    for name, definition in definitions.items():
        for of in definition.get("x-kubernetes-group-version-kind", []):
            version = f"{of['group']}/{of['version']}" if of["group"] else of["version"]
            if f"{version} {of['kind']}" not in missing:
                continue
            missing.discard(f"{version} {of['kind']}")
            schema = resolved(definition, definitions, (name,))
            # How kubeconform names a file: the kind, the first word of the group, the version.
            suffix = "-".join(filter(None, [of["group"].split(".")[0], of["version"]]))
            (folder / f"{of['kind'].lower()}-{suffix}.json").write_text(json.dumps(schema))
    return missing
