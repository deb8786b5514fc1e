#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Reads conf/compose.yaml or conf/kubernetes.yaml, and prints what one container of it is, as variables for bash.

    containers.py FILE CONTAINER FILES

The contents of configuration files are written below FILES. A key that is not known here ends it: the tests make all that
the files say, see containers.bash.
"""
import os
import shlex
import sys

import yaml

# What is no matter of namespaces: a scheduler's, and which image it is.
SERVICE_ASIDE = {"image", "restart"}
CONTAINER_ASIDE = {"image", "name"}
PROBE_ASIDE = {"periodSeconds", "timeoutSeconds", "failureThreshold", "interval", "timeout"}


def take(mapping, known, aside=()):
    unknown = set(mapping) - set(known) - set(aside)
    if unknown:
        sys.exit(f"containers.py does not make what {', '.join(sorted(unknown))} says")
    return mapping


def size(text):
    units = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
    text = str(text).lower().removesuffix("i")
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text)


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="ascii") as file:
        file.write(text)


def mount(kind, source, target, readonly=False, options=""):
    return f"{kind} {source} {target} {'ro' if readonly else 'rw'} {options or '-'}"


def compose_mount(document, text):
    source, target, *readonly = text.split(":")
    volume = document["volumes"][source] or {}
    options = take(take(volume, {"driver_opts"}).get("driver_opts", {}), {"type", "device", "o"})
    return mount(options.get("type", "volume"), source, target, readonly == ["ro"], options.get("o"))


def compose(document, name, files):
    take(document, {"name", "services", "configs", "volumes"})
    known = {"user", "group_add", "command", "environment", "configs", "volumes", "mem_limit", "healthcheck"}
    service = take(document["services"][name], known, SERVICE_ASIDE)
    mounts = [compose_mount(document, text) for text in service.get("volumes", [])]
    for config in service.get("configs", []):
        write(f"{files}/{config['source']}", document["configs"][config["source"]]["content"])
        mounts.append(mount("file", f"{files}/{config['source']}", config["target"], True))
    user, group = service["user"].split(":")
    word, *check = take(service["healthcheck"], {"test"}, PROBE_ASIDE)["test"]
    assert word == "CMD"
    return {
        "user": user,
        "group": group,
        "groups": service.get("group_add", []),
        "environment": [f"{key}={value}" for key, value in service.get("environment", {}).items()],
        "command": service["command"],
        "mounts": mounts,
        "memory": size(service.get("mem_limit", 0)),
        "capabilities": [],
        "root": "rw",
        "probes": {"health": check},
    }


def volume_mount(documents, volumes, use, files):
    take(use, {"name", "mountPath", "readOnly"})
    volume = take(volumes[use["name"]], {"name", "hostPath", "configMap"})
    if "hostPath" in volume:
        path = take(volume["hostPath"], {"path", "type"})
        return mount(path["type"], path["path"], use["mountPath"], use.get("readOnly", False))
    source = f"{files}/{volume['configMap']['name']}"
    for document in documents:
        if document["kind"] == "ConfigMap" and document["metadata"]["name"] == volume["configMap"]["name"]:
            for key, text in document["data"].items():
                write(f"{source}/{key}", text)
    return mount("file", source, use["mountPath"], True)


def find(documents, name):
    for document in documents:
        pod = document.get("spec", {}).get("template", {}).get("spec", {})
        for container in pod.get("initContainers", []) + pod.get("containers", []):
            if container["name"] == name:
                return take(pod, {"securityContext", "initContainers", "containers", "volumes"}), container
    return sys.exit(f"no container {name}")


def kubernetes(documents, name, files):
    pod, container = find(documents, name)
    probes = {"startupProbe", "livenessProbe", "readinessProbe"}
    known = probes | {"command", "env", "securityContext", "resources", "volumeMounts"}
    take(container, known, CONTAINER_ASIDE)
    known = {"runAsUser", "runAsGroup", "supplementalGroups", "runAsNonRoot", "capabilities", "readOnlyRootFilesystem"}
    security = take(pod["securityContext"] | container.get("securityContext", {}), known,
                    {"seccompProfile", "allowPrivilegeEscalation"})
    assert security["runAsUser"] != 0 or not security.get("runAsNonRoot")
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    return {
        "user": security["runAsUser"],
        "group": security["runAsGroup"],
        "groups": security.get("supplementalGroups", []),
        "environment": [f"{variable['name']}={variable['value']}" for variable in container.get("env", [])],
        "command": container["command"],
        "mounts": [volume_mount(documents, volumes, use, files) for use in container["volumeMounts"]],
        "memory": size(container.get("resources", {}).get("limits", {}).get("memory", 0)),
        "capabilities": security.get("capabilities", {}).get("add", []),
        "root": "ro" if security.get("readOnlyRootFilesystem") else "rw",
        "probes": {key.removesuffix("Probe"): take(container[key], {"exec"}, PROBE_ASIDE)["exec"]["command"]
                   for key in probes & set(container)},
    }


def words(values):
    return "(" + " ".join(shlex.quote(str(value)) for value in values) + ")"


def main(path, name, files):
    with open(path, encoding="ascii") as file:
        documents = list(yaml.safe_load_all(file))
    of = compose(documents[0], name, files) if "services" in documents[0] else kubernetes(documents, name, files)
    for key in ("user", "group", "memory", "root"):
        print(f"{key}={shlex.quote(str(of[key]))}")
    for key in ("groups", "environment", "command", "mounts", "capabilities"):
        print(f"{key}={words(of[key])}")
    for key, command in of["probes"].items():
        print(f"probe_{key}={words(command)}")


main(*sys.argv[1:])
