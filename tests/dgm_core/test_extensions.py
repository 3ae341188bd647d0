"""A user's own files: loaded, named, explained, and carried by value."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dgm_core import PROBLEMS, ConfigurationError, Setup, extensions, load_problem
from dgm_core.extensions import Sources, companions
from dgm_core.networks import NETWORKS

pytestmark = pytest.mark.usefixtures("own_files")

PROBLEM = """
import torch
from dgm_core.formulation import Box, Dirichlet, Problem
from helper_of_mine import square

class MyWave(Problem):
    '''A parabola.'''

    height: float = 1.0
    domain = Box(x=(0.0, 1.0))

    def equation(self, y):
        return y.d("x", "x") + 2.0 * self.height

    @property
    def conditions(self):
        return {"ends": (self.domain.boundary, Dirichlet())}

    def reference(self, x):
        return self.height * (x - square(x))
"""
HELPER = "from pathlib import Path\nDATA = 'numbers.txt'\n\ndef square(x):\n    return x**2\n"
NETWORK = """
from dgm_core.networks.mlp import MLP

class MyNet(MLP):
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    own = tmp_path / "a folder of mine"
    own.mkdir()
    (own / "my_wave.py").write_text(PROBLEM)
    (own / "helper_of_mine.py").write_text(HELPER)
    (own / "numbers.txt").write_text("1 2 3")
    (own / "unrelated.txt").write_text("not needed")
    (own / "my_net.py").write_text(NETWORK)
    return own


def test_what_a_file_defines_is_found_by_name(folder: Path) -> None:
    extensions.load(folder / "my_wave.py")
    extensions.load(folder / "my_net.py")
    assert load_problem("my-wave", {"height": 2.0}).parameters() == {"height": 2.0}
    assert "my-net" in NETWORKS
    setup = Setup.named(load_problem("my-wave")).changed({"network": "my-net"})
    assert Setup.from_dict(setup.to_dict()) == setup
    extensions.unload()
    assert "my-wave" not in PROBLEMS
    assert "my-net" not in NETWORKS


def test_the_file_its_modules_and_its_data_travel_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    extensions.load(folder / "my_wave.py")
    sources = Sources.loaded()
    names = {name.partition("/")[2] for name in sources.files}
    assert names == {"my_wave.py", "helper_of_mine.py", "numbers.txt"}
    kept = tmp_path / "kept"
    sources.write(kept)
    assert Sources.read(kept, sources.main, sources.origins).hashes() == sources.hashes()
    for path in folder.iterdir():
        path.unlink()
    extensions.unload()
    Sources.read(kept, sources.main, sources.origins).load(kept)
    assert load_problem("my-wave").name == "my-wave"
    assert len(sources.changed()) == 3


def test_a_changed_original_is_told_and_what_was_kept_is_loaded(folder: Path, tmp_path: Path) -> None:
    extensions.load(folder / "my_wave.py")
    sources = Sources.loaded()
    sources.write(tmp_path / "kept")
    assert sources.changed() == []
    extensions.unload()
    (folder / "helper_of_mine.py").write_text(HELPER.replace("x**2", "x**3"))
    assert sources.changed() == [f"{folder / 'helper_of_mine.py'} has changed"]
    shutil.copytree(folder, tmp_path / "copy")
    sys.path += [str(folder), str(tmp_path / "copy")]  # a worker has the driver's path and folder
    sources.load(tmp_path / "kept")
    load_problem("my-wave")  # with x³ its reference would be refused


def test_a_clash_names_both_places(folder: Path) -> None:
    (folder / "other.py").write_text(PROBLEM.replace("class MyWave", "class Heat"))
    extensions.load(folder / "other.py")
    with pytest.raises(ConfigurationError, match=r"'heat' is defined twice.*heat\.py.*other\.py"):
        load_problem("heat")


BROKEN = {
    "import torch\n\nclass A(:\n    pass\n": "line 3: invalid syntax",
    "import torch\nimport not_there\n": "line 2: ModuleNotFoundError: No module named 'not_there'",
    "x = 1\ny = x / 0\n": "line 2: ZeroDivisionError: division by zero",
    "from dgm_core import PROBLEMS\nPROBLEMS.get('heet')\n": "line 2: unknown problem 'heet'",
    "from dgm_core.formulation import Box, Problem\nclass A(Problem):\n    domain = Box(x=(0, 1))\nA()\n": (
        "line 4: a lacks the method `equation`"
    ),
    "raise SystemExit(3)\n": "line 1: SystemExit: 3",
}


@pytest.mark.parametrize("text", BROKEN)
def test_a_broken_file_is_a_sentence_with_its_line(text: str, tmp_path: Path) -> None:
    path = tmp_path / "broken_file.py"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        extensions.load(path)
    assert str(caught.value).startswith(f"{path}, {BROKEN[text]}")
    assert "\n" not in str(caught.value)
    path.write_text("x = 1\n")  # mended, it loads in the same process
    extensions.load(path)


@pytest.mark.parametrize("name", ["torch.py", "analysis.py", "no-name.py", "nowhere.py"])
def test_a_file_that_cannot_be_a_module_is_refused(name: str, tmp_path: Path) -> None:
    if name != "nowhere.py":
        (tmp_path / name).write_text("x = 1\n")
    with pytest.raises(ConfigurationError, match=name):
        extensions.load(tmp_path / name)


def write(folder: Path, **texts: str) -> None:
    """Files by their path from the folder, `__` standing for a slash."""
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_file_of_a_package_imports_relatively_here_and_where_it_is_kept(tmp_path: Path) -> None:
    folder = tmp_path / "first"
    write(folder, mine__waves=PROBLEM.replace("from helper_of_mine", "from .parts.helper"))
    write(folder / "mine", parts__helper=HELPER)
    (folder / "mine" / "__init__.py").touch()
    extensions.load(folder / "mine" / "waves.py")
    sources = Sources.loaded()
    assert {name.partition("/")[2] for name in sources.files} == {
        "mine/__init__.py",
        "mine/waves.py",
        "mine/parts/helper.py",
    }
    sources.write(tmp_path / "kept")
    shutil.rmtree(folder)
    extensions.unload()
    sources.load(tmp_path / "kept")
    assert load_problem("my-wave").name == "my-wave"


def test_folders_without_init_and_their_data_travel(tmp_path: Path) -> None:
    write(tmp_path, my_wave=PROBLEM.replace("from helper_of_mine", "from tools_of_mine.shapes.helper"))
    write(tmp_path, tools_of_mine__shapes__helper=HELPER)
    (tmp_path / "tools_of_mine" / "shapes" / "numbers.txt").write_text("1 2 3")
    extensions.load(tmp_path / "my_wave.py")
    names = {name.partition("/")[2] for name in Sources.loaded().files}
    assert {"tools_of_mine/shapes/helper.py", "tools_of_mine/shapes/numbers.txt"} < names


def test_packages_of_one_name_in_two_folders_are_refused(tmp_path: Path) -> None:
    for place in ("a", "b"):
        write(tmp_path, **{f"{place}__uses_{place}": "import same", f"{place}__same": ""})
        write(tmp_path, **{f"{place}__needs_{place}": "import tools_of_mine"})
        (tmp_path / place / "tools_of_mine").mkdir()
        (tmp_path / place / "tools_of_mine" / "__init__.py").touch()
    extensions.load(tmp_path / "a" / "needs_a.py")
    with pytest.raises(ConfigurationError, match=r"b/tools_of_mine/__init__\.py cannot be .*a/tools"):
        extensions.load(tmp_path / "b" / "needs_b.py")
    extensions.load(tmp_path / "a" / "uses_a.py")
    with pytest.raises(ConfigurationError, match=r"b/same\.py cannot be imported: .*a/same\.py"):
        extensions.load(tmp_path / "b" / "uses_b.py")


def test_a_file_finds_its_data_from_any_working_directory_and_prints_aside(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "größer als sonst"
    write(folder, reader="print(open('numbers.txt').read())")
    (folder / "numbers.txt").write_text("1 2 3")
    here = Path.cwd()
    extensions.load(folder / "reader.py")
    assert Path.cwd() == here
    printed = capsys.readouterr()
    assert (printed.out, printed.err) == ("", "1 2 3\n")


def test_what_a_class_lacks_is_told_with_its_line(folder: Path) -> None:
    text = PROBLEM.replace("def equation", "def equations")
    (folder / "lacking.py").write_text(text.replace("MyWave", "Lacking"))
    (folder / "asking.py").write_text(PROBLEM.replace("MyWave", "Asking").replace('"x", "x"', '"z"'))
    for name in ("lacking", "asking"):
        extensions.load(folder / f"{name}.py")
    with pytest.raises(ConfigurationError, match=r"lacking\.py, line 6: lacking lacks the method `equation`"):
        load_problem("lacking")
    with pytest.raises(ConfigurationError, match=r"asking\.py, line 13: unknown axis 'z'"):
        load_problem("asking")


def test_a_file_beside_the_program_does_not_carry_it_along(tmp_path: Path) -> None:
    """As in the folder of the checkout, where `dgm new` may be called."""
    write(tmp_path, beside="from dgm_core import Setup\nimport studies\n")
    for room in ("dgm_core", "studies"):
        (tmp_path / room).mkdir()
        (tmp_path / room / "__init__.py").touch()
    assert companions(tmp_path / "beside.py") == [tmp_path / "beside.py"]


def test_a_folder_beside_the_file_is_no_module_where_python_would_import_another(tmp_path: Path) -> None:
    """Such as Ray's files in /tmp/ray, beside a study in /tmp: an installed package comes first."""
    study = tmp_path / "study.py"
    study.write_text("import numpy\nimport parts_of_mine.waves\n")
    for folder in ("numpy", "parts_of_mine"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "waves.py").write_text("SPEED = 1.0\n")
    assert companions(study) == [study, tmp_path / "parts_of_mine/waves.py"]
    (tmp_path / "numpy/__init__.py").touch()
    assert tmp_path / "numpy/waves.py" in companions(study)


def test_an_installed_package_brings_its_own(folder: Path) -> None:
    """An entry point of the group `dgm_studies`, in a process of its own."""
    info = folder / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dgm_studies]\nwaves = my_wave\n")
    code = "from dgm_core import load_problem; print(load_problem('my-wave'))"
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(folder)}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "MyWave(height=1.0)", done.stderr
    (folder / "helper_of_mine.py").write_text("1 / 0\n")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(folder)}, capture_output=True, text=True
    )
    assert (
        "the installed package mine cannot be loaded (dgm_studies: waves): ZeroDivisionError" in done.stderr
    )
