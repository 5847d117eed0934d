"""The three ways to install: a folder, an editable folder, a wheel. Each in a fresh environment, used from elsewhere.

What llmproxy depends on is lent by the environment of the tests, after the install; llmproxy itself is not, because
its own path file is not read there.
"""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.more

ROOT = Path(__file__).parents[1]
SOURCES = ("proxy_daemon", "twisted", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
TWISTD = "#!{python}\nfrom twisted.scripts.twistd import run\nrun()\n"
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A copy of the sources: an install leaves files where it builds."""
    folder = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "dropin.cache")
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source, tmp_path_factory):
    """A built wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(source)], folder)
    return next(folder.glob("*.whl"))


def run(command, folder):
    """What a command prints, run in this folder."""
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
    return ran.stdout


def install(folder, *what):
    """The bin folder of a fresh environment with llmproxy in it."""
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    run([*PIP, "--python", str(python), "install", "--no-deps", *what], folder)
    places = {name: str(folder) for name in ("base", "platbase")}
    lent = Path(sysconfig.get_path("purelib", vars=places)) / "lent.pth"
    lent.write_text(sysconfig.get_path("purelib") + "\n")
    script = folder / "bin" / "twistd"
    script.write_text(TWISTD.format(python=python))
    script.chmod(0o755)
    return folder / "bin"


WAYS = [pytest.param("{source}", id="folder"), pytest.param("-e {source}", id="editable"), "{wheel}"]


@pytest.mark.parametrize("what", WAYS)
def test_it_works_from_another_folder(tmp_path, source, wheel, what):
    programs = install(tmp_path / "env", *what.format(source=source, wheel=wheel).split(" "))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    origin = run([str(programs / "python"), "-c", "import proxy_daemon as p; print(p.__file__)"], elsewhere)
    assert origin.startswith(str(source if "-e" in what else tmp_path))
    assert run([str(programs / "llmproxy"), "--version"], elsewhere).startswith("llmproxy ")
    assert "--upstream" in run([str(programs / "twistd"), "llmproxy", "--help"], elsewhere)
    assert "All as it should be." in run([str(programs / "llmproxy"), "demo"], elsewhere)  # the schema is there too


def test_the_wheel_holds_what_it_should(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0].split("-")[0] for name in names}
    assert tops == {"proxy_daemon", "twisted", "llmproxy"}
    assert [name for name in names if name.startswith("twisted/")] == ["twisted/plugins/llmproxy_plugin.py"]
    assert any(name.startswith("proxy_daemon/store/schema/") for name in names)
    assert "proxy_daemon/py.typed" in names
    page = [path for path in (ROOT / "proxy_daemon" / "ui" / "static").rglob("*") if path.is_file()]
    assert {str(path.relative_to(ROOT)) for path in page} <= set(names)
    assert any(name.endswith("LICENSE") for name in names)
