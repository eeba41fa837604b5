"""The rules of the house: who may import whom, and where imports stand (docs/architecture.md)."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SCRIPTS = {path.stem for path in ROOT.glob("*.py")}
HOUSE = {path.stem for path in ROOT.iterdir()} - {"colornet"}  # what else the root holds
LIBRARIES = {"config", "read_input", "build_model"}  # scripts that the others may import
# From below to above. Rooms of one floor do not know each other.
FLOORS = [
    {"errors", "versions", "progress"}, {"files", "shell"}, {"settings"}, {"pictures"},
    {"records", "network"}, {"training", "coloring"}, {"evaluation"},
]  # fmt: skip
# Names of what imports by a call.
CALLS = {
    "import_module", "__import__", "resolve_name", "runpy", "exec", "eval", "exec_module",
    "load_module", "SourceFileLoader",
}  # fmt: skip
CONFIG_USES = {"errors", "settings", "versions"}
FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}
# Heavy, and needed by few who import the module: what each file may import late.
LEAVES = {
    "colornet/shell.py": {"tensorflow"},
    "colornet/pictures/opening.py": {"pillow_heif"},
    "colornet/pictures/jpeg.py": {"imagecodecs"},
    "colornet/pictures/png.py": {"imagecodecs"},
    "colornet/pictures/tiff.py": {"tifffile"},
    "colornet/network/layers.py": {"tensorflow"},
    "colornet/network/weights_files.py": {"h5py"},
    "colornet/network/engines.py": {"colornet.network.tensorflow_engine"},  # all TensorFlow
    "colornet/training/curves.py": {"matplotlib"},
    "colornet/coloring/transforming.py": {"colornet.coloring.films.command"},  # all PyAV
}


def imports(source):
    """[(imported module, whether at the top of the file, line)] of Python source."""
    tree, found = ast.parse(source), []
    for_types = (  # what no run of the program imports
        node for node in tree.body if isinstance(node, ast.If)
        and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
    )  # fmt: skip
    top = [*tree.body, *(node for block in for_types for node in block.body)]
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            # `from colornet import shell` imports a room, `from keras import ops` from a module.
            start = "." * node.level + (node.module or "")
            names = [f"{start}.{alias.name}" for alias in node.names]
        else:
            continue
        found += [(name, node in top, node.lineno) for name in names]
    return found


def room_of(module):
    """The room of `colornet.room...`; None for any other module."""
    package, _, rest = module.partition(".")
    return rest.partition(".")[0] if package == "colornet" else None


def offenses(name, source):
    """What a file of the root or of the package does against the rules, as lines of text.

    Args:
        name: its path from the root, such as "colornet/files.py".
    """
    first, *inner = pathlib.PurePath(name).with_suffix("").parts
    if inner and inner[0] not in {"__init__", *FLOOR_OF}:
        return [f"{name}: {inner[0]} is no room of FLOORS"]
    found = [(line, "imports by a call") for line in imports_by_call(source)]
    for module, top, line in imports(source):
        other = room_of(module)
        if module.startswith("."):
            says = ["a relative import"]
        elif other is not None and other not in FLOOR_OF:
            says = [f"imports {module}, which is no room"]
        elif inner:
            says = of_room(name, inner[0], module, top)
        else:
            says = of_script(first, module)
        found += [(line, text) for text in says]
    if not inner:
        found += misplaced(source)
    return [f"{name}:{line}: {text}" for line, text in found]


def of_script(script, module):
    """What is wrong with an import of a file of the root."""
    first, other = module.partition(".")[0], room_of(module)
    of_demo = script == "demo" and first in SCRIPTS and module == f"{first}.main"
    if first in HOUSE - LIBRARIES and not of_demo:
        yield f"a script imports {first} of the root"
    if script == "config" and (first in HOUSE or other and other not in CONFIG_USES):
        yield f"config imports {other or first}, and every room imports config"


def of_room(name, room, module, top):
    """What is wrong with an import, at the top or not, of a file of the package."""
    first, other = module.partition(".")[0], room_of(module)
    if room == "__init__":
        yield "the package itself imports something"
        return
    if first in (HOUSE if room in CONFIG_USES else HOUSE - {"config"}):
        yield f"a room imports {first} of the root"
    if other and other != room and FLOOR_OF[other] >= FLOOR_OF[room]:
        yield f"{room} imports {other}, which is not below it"
    if not top and not leaf_of(name, module):
        yield f"{module} is imported late"


def misplaced(source):
    """[(line, what is wrong)] of a script's late imports: they stand in one place of its work."""
    places = {enclosing(source, line): line for _, top, line in imports(source) if not top}
    found = [
        (line, "imports late where arguments are not parsed yet")
        for (_, place), line in places.items()
        if place in ("main", "parser", "the module")
    ]
    if len(places) > 1:
        found.append((min(places.values()), f"late imports in {len(places)} places"))
    return found


def leaf_of(name, module):
    """Which of a file's LEAVES an imported module, or a name of one, belongs to; None: none."""
    leaves = LEAVES.get(name, ())
    return next((leaf for leaf in leaves if f"{module}.".startswith(f"{leaf}.")), None)


def imports_by_call(source):
    """Lines in which Python source names a function that imports, such as import_module."""
    return [
        node.lineno
        for node in ast.walk(ast.parse(source))
        if CALLS
        & {getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None)}
    ]


def enclosing(source, line):
    """(line, name) of the innermost function or class around a line, or of the module itself."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    around = [
        node for node in ast.walk(ast.parse(source))
        if isinstance(node, kinds) and node.lineno <= line <= node.end_lineno
    ]  # fmt: skip
    innermost = max(around, key=lambda node: node.lineno, default=None)
    return (innermost.lineno, innermost.name) if innermost else (0, "the module")


def files():
    return [
        path.relative_to(ROOT).as_posix()
        for path in [*ROOT.glob("*.py"), *ROOT.glob("colornet/**/*.py")]
    ]


@pytest.mark.parametrize("name", files())
def test_file_keeps_the_rules(name):
    assert not offenses(name, (ROOT / name).read_text())


def test_each_leaf_is_imported_late():
    """A leaf that its file no longer imports so goes from the list."""
    found = {
        (name, leaf_of(name, module))
        for name in LEAVES
        for module, top, _ in imports((ROOT / name).read_text())
        if not top
    }
    assert found == {(name, leaf) for name, leaves in LEAVES.items() for leaf in leaves}


@pytest.mark.parametrize(
    "name, source, says",
    [
        ("model_train.py", "import model_transform", "imports model_transform of the root"),
        ("colornet/network/x.py", "from build_model import build_model", "of the root"),
        ("colornet/pictures/x.py", "from colornet.records import format", "not below"),
        ("colornet/training/x.py", "from colornet.coloring import pipeline", "not below"),
        ("colornet/files.py", "from colornet import shell", "not below"),
        ("colornet/shell.py", "def f():\n    import json", "late"),
        ("colornet/files.py", "def f():\n    import tensorflow", "late"),
        ("colornet/files.py", "import importlib\nimportlib.import_module('keras')", "a call"),
        ("colornet/files.py", "from importlib import import_module", "a call"),
        ("colornet/files.py", "__import__('keras')", "a call"),
        ("colornet/files.py", "import pkgutil\npkgutil.resolve_name('model_train')", "a call"),
        ("colornet/files.py", "exec('import model_train')", "a call"),
        ("colornet/files.py", "from importlib.machinery import SourceFileLoader", "a call"),
        ("colornet/pictures/x.py", "import weights.x", "imports weights"),
        ("model_train.py", "import docs.x", "imports docs"),
        ("colornet/attic/x.py", "import json", "attic is no room"),
        ("colornet/pictures/x.py", "from colornet.attic import x", "no room"),
        ("colornet/pictures/x.py", "from colornet import *", "no room"),
        ("demo.py", "import model_train", "imports model_train of the root"),
        ("demo.py", "def main():\n    import json", "not parsed yet"),
        ("colornet/pictures/x.py", "import benchmarks.shared", "imports benchmarks"),
        ("model_train.py", "from tests import tiny", "imports tests"),
        ("colornet/training/x.py", "import colornet", "imports colornet"),
        ("colornet/versions.py", "import config", "of the root"),
        ("colornet/settings.py", "from config import Config", "of the root"),
        ("config.py", "import read_input", "every room imports config"),
        ("demo.py", "from model_train import train", "imports model_train of the root"),
        ("demo.py", "class A:\n    import json\n\nclass B:\n    import os", "2 places"),
        ("demo.py", "async def f():\n  import json\nasync def g():\n  import os", "2 places"),
        ("demo.py", "def f():\n    import json\n\ndef g():\n    import os", "2 places"),
        ("demo.py", "if True:\n    import json\n\ndef g():\n    import os", "2 places"),
        ("colornet/pictures/x.py", "from ..coloring import pipeline", "relative"),
        ("config.py", "from colornet.evaluation import metrics", "every room imports config"),
        ("colornet/__init__.py", "from colornet.evaluation import metrics", "package itself"),
    ],
)
def test_an_offense_is_found(name, source, says):
    assert says in " ".join(offenses(name, source))


@pytest.mark.parametrize(
    "name, source",
    [
        ("model_train.py", "import read_input\nfrom colornet.training import step"),
        ("colornet/network/x.py", "from config import read_config"),
        ("colornet/network/weights_files.py", "def f():\n    import h5py"),
        ("demo.py", "from model_train import main as train"),
        ("config.py", "from colornet import settings"),
        ("colornet/evaluation/x.py", "from colornet.coloring import pipeline"),
    ],
)
def test_what_the_rules_allow(name, source):
    assert not offenses(name, source)


HELP = """
import runpy, sys
sys.argv = [sys.argv[1], "--help"]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print("imported", *sys.modules)
"""
SLOW_TO_IMPORT = {
    "numpy", "PIL", "tqdm", "tensorflow", "keras", "skimage", "scipy", "h5py", "av", "matplotlib",
    "imagecodecs", "tifffile", "pillow_heif", "ai_edge_litert",
}  # fmt: skip


@pytest.mark.parametrize("script", sorted(SCRIPTS - {"config"}))
def test_help_comes_at_once(script):
    command = [sys.executable, "-c", HELP, f"{script}.py"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    text, _, modules = done.stdout.rpartition("imported")
    assert "usage" in text
    assert not SLOW_TO_IMPORT & set(modules.split())
