"""Renders the chart with a file of values; with a third argument, `judge`, it is linted too, and what comes out is held
against the schemas of Kubernetes, which takes most of the time.

Prints one JSON object: the documents, the notes, the findings of the linter, what the schemas have against the
documents, and the kinds that Kubernetes itself does not have. The tests decide what of it is right.
"""

import json
import sys

import helm_python as helm
import yaml

# The oldest Kubernetes that Chart.yaml allows, and a recent one.
VERSIONS = ("1.28", "1.34")
# The one in C where the library was built with it.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def against_schemas(document):
    """What is wrong with a document; None when Kubernetes has no such kind."""
    import kubernetes_validate

    problems = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(document, version, strict=True)
        except kubernetes_validate.ValidationError as error:
            where = ".".join(str(step) for step in error.path)
            problems.append(f"{version}: {document['kind']} {document['metadata']['name']}: {where}: {error.message}")
        except kubernetes_validate.SchemaNotFoundError:
            return None
    return problems


def rendered(chart_path, values):
    """The documents of the chart, and its notes."""
    documents, notes = [], ""
    with helm.Chart.load(chart_path) as chart:
        texts = chart.render(values, name="hub", namespace="hub")
    for template, text in sorted(texts.items()):
        if template.endswith(".txt"):
            notes = text
        else:
            documents.extend(document for document in yaml.load_all(text, Loader=LOADER) if document is not None)
    return documents, notes


def main(chart_path, values_path, judge):
    with open(values_path, encoding="utf-8") as file:
        values = yaml.load(file, Loader=LOADER)
    answer = {"documents": [], "notes": "", "lint": [], "problems": [], "foreign_kinds": []}
    try:
        answer["documents"], answer["notes"] = rendered(chart_path, values)
    except helm.HelmError as error:
        answer["refused"] = str(error)
    if judge:
        report = helm.lint(chart_path, values, strict=True, namespace="hub")
        answer["lint"] = report["messages"] + report["errors"]
        for document in answer["documents"]:
            problems = against_schemas(document)
            if problems is None:
                answer["foreign_kinds"].append(document["kind"])
            else:
                answer["problems"].extend(problems)
    return answer


if __name__ == "__main__":
    json.dump(main(sys.argv[1], sys.argv[2], "judge" in sys.argv[3:]), sys.stdout)
