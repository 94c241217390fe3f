"""Prints, as one JSON object, the labels that an oSPARC service's folder stands for.

Written from the description of the labels alone and not from medbuild's code,
to hold medbuild against. It leaves out what the platform's tool does to keys
that are out of order, empty or written in another form: the services that it
is given have none of these.
"""

import json
import pathlib
import sys

import yaml


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def read(path):
    return yaml.safe_load(path.read_text(encoding="utf-8")) if path.exists() else {}


def without_blanks(settings):
    for setting in settings:
        if setting["name"] == "constraints":
            setting["value"] = [c.replace(" ", "") for c in setting["value"]]
    return settings


def labels(folder):
    found = {}
    for key, value in read(folder / "metadata.yml").items():
        found["io.simcore." + key] = compact({key: value})
    for key, value in read(folder / "runtime.yml").items():
        if key == "settings":
            value = without_blanks(value)
        found["simcore.service." + key] = value if isinstance(value, str) else compact(value)
    for key, value in read(folder / "org.opencontainers.image.yml").items():
        found["org.opencontainers.image." + key] = value if isinstance(value, str) else compact(value)
    return found


if __name__ == "__main__":
    json.dump(labels(pathlib.Path(sys.argv[1])), sys.stdout)
