"""The vendored libraries are what vendor.json pins, and tools/vendor.py takes nothing else."""

import base64
import hashlib
import importlib.util
import io
import json
import tarfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("vendor", ROOT / "tools" / "vendor.py")
vendor = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(vendor)


def test_the_files_in_place_are_the_pinned_ones():
    assert vendor.main([]) == 0
    lock = json.loads((vendor.VENDOR / "vendor.json").read_text("utf-8"))
    assert len([name for package in lock["packages"].values() for name in package["files"]]) >= 10


def tarball(files):
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w:gz") as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return raw.getvalue()


def lock_of(octets, **files):
    integrity = "sha512-" + base64.b64encode(hashlib.sha512(octets).digest()).decode()
    return {"packages": {"@scope/thing": {"version": "1.2.3", "integrity": integrity, "files": files}}}


class Registry:
    """Stands for the network: what it is asked for, and what it gives."""

    def __init__(self, octets):
        self.octets, self.asked = octets, []

    def urlopen(self, address, timeout):
        self.asked.append(address)
        return io.BytesIO(self.octets)


@pytest.fixture
def fetched(tmp_path, monkeypatch):
    """`fetched(octets, lock, *arguments)` runs the script on a folder: its exit code, the folder, the registry."""

    def run(octets, lock, *arguments):
        registry = Registry(octets)
        monkeypatch.setattr(vendor.urllib.request, "urlopen", registry.urlopen)
        (tmp_path / "vendor.json").write_text(json.dumps(lock))
        return vendor.main(["--fetch", "--vendor", str(tmp_path), *arguments]), tmp_path, registry

    return run


OCTETS = tarball({"dist/a.mjs": b'import "preact";\n//# map', "LICENSE": b"free"})
DATA = b'import "./preact.mjs";\n'
ENTRY = {
    "from": "dist/a.mjs",
    "sha256": hashlib.sha256(DATA).hexdigest(),
    "replace": [['"preact"', '"./preact.mjs"'], ["//# map", ""]],
}


def test_a_file_is_taken_from_the_pinned_version(fetched):
    code, folder, registry = fetched(
        OCTETS, lock_of(OCTETS, **{"sub/a.mjs": ENTRY}), "--registry", "https://mirror.invalid/npm/"
    )
    assert code == 0
    assert registry.asked == ["https://mirror.invalid/npm/@scope/thing/-/thing-1.2.3.tgz"]
    assert (folder / "sub" / "a.mjs").read_bytes() == DATA


def test_a_tarball_of_another_hash_is_not_taken(fetched, capsys):
    code, folder, _ = fetched(OCTETS + b" ", lock_of(OCTETS, **{"a.mjs": ENTRY}))
    assert code == 1
    assert not (folder / "a.mjs").exists()
    assert "@scope/thing 1.2.3: integrity is sha512-" in capsys.readouterr().err


def test_a_file_of_another_hash_is_not_taken(fetched, capsys):
    code, folder, _ = fetched(OCTETS, lock_of(OCTETS, **{"a.mjs": ENTRY | {"sha256": "0" * 64}}))
    assert code == 1
    assert not (folder / "a.mjs").exists()
    assert "a.mjs: sha256 is" in capsys.readouterr().err


def test_accept_writes_the_hash(fetched):
    code, folder, _ = fetched(OCTETS, lock_of(OCTETS, **{"a.mjs": ENTRY | {"sha256": ""}}), "--accept")
    assert code == 0
    written = json.loads((folder / "vendor.json").read_text())
    assert written["packages"]["@scope/thing"]["files"]["a.mjs"]["sha256"] == ENTRY["sha256"]


@pytest.mark.parametrize("times", [0, 2])
def test_what_is_replaced_must_stand_there_once(times):
    with pytest.raises(ValueError, match=f"stands {times} times"):
        vendor.changed(b"x" * times, [["x", "y"]])


def test_what_is_not_in_the_tarball_is_named():
    with pytest.raises(KeyError, match="missing"):
        vendor.member(OCTETS, "missing")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda folder: (folder / "a.mjs").write_bytes(DATA + b" "), "a.mjs: sha256 is"),
        (lambda folder: (folder / "a.mjs").unlink(), "a.mjs: missing"),
        (lambda folder: (folder / "b.mjs").write_bytes(b""), "b.mjs: not in vendor.json"),
    ],
    ids=["changed", "missing", "unknown"],
)
def test_what_is_not_as_pinned_is_told(fetched, change, words, capsys):
    _, folder, _ = fetched(OCTETS, lock_of(OCTETS, **{"a.mjs": ENTRY}))
    change(folder)
    assert vendor.main(["--vendor", str(folder)]) == 1
    assert words in capsys.readouterr().err


def test_only_https_registries(capsys):
    with pytest.raises(SystemExit):
        vendor.main(["--registry", "http://registry.invalid"])
    assert "https://" in capsys.readouterr().err
