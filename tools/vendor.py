"""Fetches the web UI's libraries from the npm registry, or checks that they are what vendor.json says.

    python tools/vendor.py            check the files in place: no network
    python tools/vendor.py --fetch    take them anew from the registry, at the versions that vendor.json pins

A tarball is taken only with the registry's own hash, and a file only where its hash is the pinned one, so that a run of
`--fetch` changes nothing unless somebody changed vendor.json. To take a new version: write it and its `integrity`
(`npm view NAME@VERSION dist.integrity`) there, and run with `--fetch --accept`, which writes the hashes of the files.
"""
# ruff: noqa: INP001, T201  (a script: it stands alone, and tells what it did)

import argparse
import base64
import hashlib
import io
import json
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parents[1] / "proxy_daemon" / "ui" / "static" / "vendor"
REGISTRY = "https://registry.npmjs.org"
MOST = 16 << 20  # octets of a tarball, and of all in it


def main(arguments: list[str]) -> int:
    """0: all is as pinned. 1: what is not is told."""
    options = _options(arguments)
    lock = json.loads((options.vendor / "vendor.json").read_text("utf-8"))
    faults: list[str] = []
    if options.fetch:
        for name, package in lock["packages"].items():
            faults += fetch(options.registry, options.vendor, name, package, accept=options.accept)
    if options.fetch and options.accept:
        (options.vendor / "vendor.json").write_text(json.dumps(lock, indent=2) + "\n", "utf-8")
    faults += check(options.vendor, lock)
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="the web UI's libraries: check them, or fetch them anew")
    parser.add_argument("--fetch", action="store_true", help="from the registry, at the pinned versions")
    parser.add_argument("--accept", action="store_true", help="with --fetch: write the hashes of what came")
    parser.add_argument("--registry", default=REGISTRY, help="an npm registry (`npm config get registry`)")
    parser.add_argument("--vendor", type=Path, default=VENDOR, help="the folder of vendor.json")
    options = parser.parse_args(arguments)
    if not options.registry.startswith("https://"):
        parser.error("--registry is an https:// address")
    return options


def check(vendor: Path, lock: dict[str, Any]) -> list[str]:
    """What is not as `lock` says, in words: files that changed, are missing, or that nobody knows."""
    pinned = {name: entry for package in lock["packages"].values() for name, entry in package["files"].items()}
    faults = [fault for name, entry in pinned.items() if (fault := _differs(vendor / name, entry["sha256"]))]
    present = {str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file()}
    return faults + [f"{name}: not in vendor.json" for name in sorted(present - set(pinned) - {"vendor.json"})]


def _differs(path: Path, pinned: str) -> str:
    if not path.is_file():
        return f"{path.name}: missing (run with --fetch)"
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    return "" if found == pinned else f"{path.name}: sha256 is {found}, pinned is {pinned}"


def fetch(registry: str, vendor: Path, name: str, package: dict[str, Any], *, accept: bool) -> list[str]:
    """Writes the files of one package; with ``accept`` their hashes into ``package``. What does not fit, in words."""
    version = package["version"]
    address = f"{registry.rstrip('/')}/{name}/-/{name.rpartition('/')[2]}-{version}.tgz"
    with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310  (https only, see _options)
        tarball = answer.read(MOST + 1)
    found = "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode("ascii")
    if found != package["integrity"]:
        return [f"{name} {version}: integrity is {found}, pinned is {package['integrity']}"]
    return [
        fault for place, entry in package["files"].items() if (fault := _put(vendor, place, entry, tarball, accept))
    ]


def _put(vendor: Path, place: str, entry: dict[str, Any], tarball: bytes, accept: bool) -> str:
    """One file out of the tarball into its place."""
    data = changed(member(tarball, entry["from"]), entry.get("replace", []))
    found = hashlib.sha256(data).hexdigest()
    if accept:
        entry["sha256"] = found
    elif found != entry["sha256"]:
        return f"{place}: sha256 is {found}, pinned is {entry['sha256']}; it was left as it is"
    (vendor / place).parent.mkdir(parents=True, exist_ok=True)
    (vendor / place).write_bytes(data)
    return ""


def member(tarball: bytes, name: str) -> bytes:
    """The octets of one file. KeyError where it is not in it."""
    with tarfile.open(fileobj=io.BytesIO(tarball), mode="r:gz") as archive:
        found = archive.extractfile(archive.getmember(f"package/{name}"))
        if found is None:
            raise KeyError(name)
        return found.read(MOST)


def changed(data: bytes, replace: list[list[str]]) -> bytes:
    """With each [old, new] of the lock carried out; ValueError where ``old`` does not stand there exactly once."""
    for old, new in replace:
        if data.count(old.encode()) != 1:
            raise ValueError(f"{old!r} stands {data.count(old.encode())} times in the file, not once")
        data = data.replace(old.encode(), new.encode())
    return data


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
