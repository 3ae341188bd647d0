"""The wheel, installed: used from a folder that has an analysis.py and a studies/ of its own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NEEDED = ("analysis", "dgm_core", "scripts/dgm_cli", "studies", "pyproject", "README", "LICENSE")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel, which sees the dependencies of this one."""
    place = tmp_path_factory.mktemp("installed")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = place / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in tracked.stdout.split("\0"):
        if name.startswith(
            ("analysis", "dgm_core", "scripts/dgm_cli", "studies", "pyproject", "README", "LICENSE")
        ):
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    wheels = place / "wheels"
    build = [*pip, "wheel", "--no-deps", "--no-index", "--no-build-isolation", "-w", str(wheels), str(source)]
    subprocess.run(build, check=True)
    wheel = next(wheels.glob("*.whl"))
    kept = {name.partition("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {name for name in kept if not name.endswith("dist-info")} == {
        "analysis",
        "dgm_cli",
        "dgm_core",
        "studies",
    }
    venv = place / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    library = Path(sysconfig.get_path("purelib", vars={"base": str(venv), "platbase": str(venv)}))
    (library / "zz_dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = str(venv / "bin/python")
    subprocess.run([*pip, "--python", python, "install", "--no-deps", "--no-index", str(wheel)], check=True)
    return venv / "bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "analysis.py").write_text("raise RuntimeError('the wrong analysis')\n")
    (tmp_path / "studies").mkdir()
    (tmp_path / "studies/__init__.py").write_text("raise RuntimeError('the wrong studies')\n")
    return tmp_path


def call(place: Path, folder: Path, line: str) -> str:
    done = subprocess.run([str(place / "dgm"), *line.split()], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@pytest.mark.ray
def test_a_folder_with_modules_of_the_program_s_names_harms_nothing(installed: Path, folder: Path) -> None:
    call(installed, folder, "new problem mine")
    call(installed, folder, "new study mine-search --problem mine.py")
    call(installed, folder, "solve mine.py --iterations 20 --replicates 2 --name a")
    line = "run mine_search.py --quick --trials 1 --replicates 2 --confirmations 1 --cores 1 --name a"
    assert "Confirmed" in call(installed, folder, line)
    assert (folder / "results/mine-search/a/report.html").is_file()


def test_a_module_of_the_user_s_with_such_a_name_is_named(installed: Path, folder: Path) -> None:
    (folder / "analysis.py").write_text("SCALE = 2\n")
    (folder / "mine.py").write_text("import analysis\n\nprint(analysis.SCALE)\n")
    done = subprocess.run(
        [str(installed / "dgm"), "list", "mine.py"], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 2
    told = " ".join(done.stderr.split())
    assert f"the program has a module 'analysis' itself: rename {folder / 'analysis.py'}" in told
