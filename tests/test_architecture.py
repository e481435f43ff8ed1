"""The rules of docs/architecture.md, read off the source: who imports whom, what is pure, one door for each side
effect, the code map, sizes.

`python -m tests.test_architecture` writes the code map into docs/architecture.md anew.
"""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from base.exits import Exit

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("wire", "base", "lobby", "roomproc", "client")
ARCHITECTURE = ROOT / "docs" / "architecture.md"
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
NAMES = [str(path.relative_to(ROOT)) for path in FILES]

# What each package may import of ours, and of others' beside the standard library.
OURS = {
    "wire": ("wire",),
    "base": ("base",),
    "lobby": ("lobby", "wire", "base"),
    "roomproc": ("roomproc", "wire", "base"),
    "client": (
        "client",
        "wire",
        "base.exits",
        "base.commandline",
        "base.progress",
    ),  # of base no server
}
LIBRARIES = {
    "wire": {"msgspec"},
    "base": {"msgspec", "tqdm"},
    "lobby": {"msgspec", "argon2", "psutil", "tabulate", "setproctitle", "tqdm"},
    "roomproc": {"msgspec", "setproctitle"},
    "client": {"msgspec", "platformdirs", "prompt_toolkit", "tabulate", "textual", "rich"},
}
# Cores that have to be pure; any other module that calls itself pure is held to it as well.
CORES = {
    "lobby/sessions.py", "lobby/registry.py", "lobby/guardiancore.py", "roomproc/room.py", "roomproc/door.py",
    "roomproc/lobbylink.py", "roomproc/nurserycore.py", "client/session.py", "client/lobbyside.py",
    "client/roomside.py", "wire/names.py", "wire/framing.py", "wire/codec.py", "wire/tickets.py",
}  # fmt: skip
IMPURE = {
    "socket", "select", "selectors", "threading", "subprocess", "multiprocessing", "asyncio", "concurrent", "time",
    "sqlite3", "os", "shutil", "tempfile", "signal", "fcntl", "io", "base.sqlite", "base.locks", "wire.loop",
    "wire.channel", "wire.uplink", "wire.linger",
}  # fmt: skip
BUT_FOR = {"lobby/desk.py": {"sqlite3"}}  # the name of the error its stores raise
IMPURE_CALLS = {"open", "print", "input", "datetime.now", "datetime.utcnow", "date.today", "Path.cwd", "Path.home"}
# One door for each side effect: the only modules that may come near it.
DOORS = {
    "prompt_toolkit": {"client/editing.py"},
    "textual": {"client/app.py", *(name for name in NAMES if name.startswith("client/screens/"))},
    "rich": {name for name in NAMES if name.startswith("client/screens/")},
    "selectors": {"wire/loop.py"},
    "select": {"base/processes.py"},  # a pidfd, waited for with a limit
    "subprocess": {
        "lobby/archives.py",
        "lobby/useredit.py",
        "lobby/guardian.py",
        "lobby/upgrade.py",
        "client/handing.py",
    },
    "multiprocessing": set(),
    "tqdm": {"base/progress.py", "lobby/upgrade.py"},  # in commands, never in a server's memory
    "argon2": {"lobby/passwords.py"},
    "setproctitle": {"roomproc/forking.py", "roomproc/nursery.py", "lobby/serve.py", "lobby/server.py"},
}
MODULE_MOST = 400  # lines; the house says around 120 and rarely above 300
FUNCTION_MOST = 50  # lines; the house says around 8 and rarely above 40
LONG_MODULES = {"wire/messages.py"}  # all messages of the wire, to be read and reviewed in one place


def parsed(path: Path) -> ast.Module:
    return _parsed(path, path.stat().st_mtime_ns)


@cache
def _parsed(path: Path, _written: int) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def _is_type_checking(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def imports(path: Path, *, types_too: bool = True) -> tuple[str, ...]:
    """The dotted modules that `path` imports, wherever in it; `types_too`: those under TYPE_CHECKING as well."""
    return _imports(path, path.stat().st_mtime_ns, types_too)


@cache
def _imports(path: Path, _written: int, types_too: bool) -> tuple[str, ...]:
    return tuple(_imported(path, types_too=types_too))


def _imported(path: Path, *, types_too: bool) -> Iterator[str]:
    todo: list[ast.AST] = [parsed(path)]
    while todo:
        node = todo.pop()
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            assert node.module is not None
            for alias in node.names:  # `from lobby import effects` imports the module lobby.effects
                dotted = ROOT.joinpath(*node.module.split("."), alias.name)
                is_module = dotted.with_suffix(".py").exists() or (dotted / "__init__.py").exists()
                yield f"{node.module}.{alias.name}" if is_module else node.module
        elif types_too or not _is_type_checking(node):
            todo.extend(ast.iter_child_nodes(node))


def under(module: str, roots: tuple[str, ...] | set[str]) -> bool:
    return any(module == root or module.startswith(root + ".") for root in roots)


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_who_may_import_whom(path: Path) -> None:
    package = path.relative_to(ROOT).parts[0]
    for module in imports(path):
        top = module.partition(".")[0]
        if top in PACKAGES:
            assert under(module, OURS[package]), f"{package} does not import {module}"
        elif top not in sys.stdlib_module_names:
            assert top in LIBRARIES[package], f"{package} does not import {module}"


def test_every_library_is_declared_and_used() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    declared = {re.split(r"[\s<>=!~;\[]", name)[0].replace("-", "_") for name in project["dependencies"]}
    used = {module.partition(".")[0] for path in FILES for module in imports(path)}
    foreign = used - set(PACKAGES) - sys.stdlib_module_names
    assert {name.replace("argon2", "argon2_cffi") for name in foreign} == declared


def pure_files() -> list[Path]:
    """Found by their text: parsing them all is for the tests, not for whoever only collects them."""
    duty = re.compile(r'\A"""[^"]*\bPure\b')
    says_so = [path for path in FILES if duty.match(path.read_text(encoding="utf-8"))]
    return sorted({*says_so, *(ROOT / name for name in CORES)})


@pytest.mark.parametrize("path", pure_files(), ids=lambda path: str(path.relative_to(ROOT)))
def test_pure_modules_are_deaf(path: Path) -> None:
    allowed = BUT_FOR.get(str(path.relative_to(ROOT)), set())
    touched = {module for module in imports(path, types_too=False) if under(module, IMPURE)} - allowed
    assert not touched, "no socket, file, clock or thread in a pure module"
    calls = [ast.unparse(node.func) for node in ast.walk(parsed(path)) if isinstance(node, ast.Call)]
    assert not [call for call in calls if call in IMPURE_CALLS or call.endswith(".datetime.now")]


@pytest.mark.parametrize("door", DOORS)
def test_one_door_for_each_side_effect(door: str) -> None:
    through = {str(path.relative_to(ROOT)) for path in FILES if any(under(m, {door}) for m in imports(path))}
    assert through <= DOORS[door]


def test_forks_happen_in_one_place() -> None:
    forking = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("os.fork", "os.forkpty")
    }
    assert forking == {"roomproc/forking.py"}


def test_only_the_loop_reads_the_clock_for_servers() -> None:
    """What else names `time` is written here with its reason."""
    allowed = {
        "wire/loop.py",  # the clock of every server process
        "client/link.py",  # the clock of the client
    }
    reading = {
        str(path.relative_to(ROOT))
        for path in FILES
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call)
        and ast.unparse(node.func) in ("time.time", "time.time_ns", "time.monotonic", "time.monotonic_ns")
    }
    assert reading <= allowed | CLOCKS


# What runs beside the loop or before it, and waits for other processes with a limit.
CLOCKS = {
    "base/processes.py",
    "lobby/operator.py",
    "lobby/steering.py",
    "lobby/upgrade.py",
    "lobby/userimport.py",
    "lobby/sweep.py",
    "lobby/serve.py",
    "lobby/guardian.py",
    "lobby/admin.py",  # a thread that measures what rooms cost
}


@pytest.mark.parametrize("package", PACKAGES)
def test_no_import_goes_in_circles(package: str) -> None:
    graph: dict[str, set[str]] = {}
    for path in FILES:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        if module.partition(".")[0] == package:
            graph[module] = {other for other in imports(path, types_too=False) if under(other, {package})} - {module}
    while leaves := [module for module, others in graph.items() if not others & graph.keys()]:
        for module in leaves:
            del graph[module]
    assert not graph, "these import each other"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_each_file_opens_with_its_duty(path: Path) -> None:
    assert first_sentence(path), "a docstring that says what this module is for"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_modules_and_functions_are_small(path: Path) -> None:
    if str(path.relative_to(ROOT)) not in LONG_MODULES:
        assert len(path.read_text(encoding="utf-8").splitlines()) <= MODULE_MOST
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < FUNCTION_MOST, f"{node.name} is too long"


def test_most_are_much_smaller() -> None:
    sizes = sorted(len(path.read_text(encoding="utf-8").splitlines()) for path in FILES)
    assert sizes[len(sizes) // 2] <= 160, "a module is around 120 lines"
    assert len([size for size in sizes if size > 300]) <= len(sizes) // 8, "and rarely above 300"


@pytest.mark.parametrize("path", FILES, ids=NAMES)
def test_names_are_words_of_the_field(path: Path) -> None:
    vague = re.compile(r"manager|helper|utils?\b|\bdata\b", re.IGNORECASE)
    assert not vague.search(path.stem)
    classes = [node.name for node in ast.walk(parsed(path)) if isinstance(node, ast.ClassDef)]
    assert not [name for name in classes if re.search(r"Manager|Helper|Utils?$|Data$", name)]


# -- the code map

MAP = re.compile(r"(?<=<!-- code map -->\n).*?(?=<!-- end of code map -->)", re.DOTALL)


def first_sentence(path: Path) -> str:
    """What the docstring says a module is for, up to its first full stop, on one line."""
    paragraph = (ast.get_docstring(parsed(path)) or "").partition("\n\n")[0]
    return re.split(r"(?<=[.])\s", " ".join(paragraph.split()), maxsplit=1)[0].rstrip(".")


def code_map() -> str:
    lines = []
    for package in PACKAGES:
        lines.append(f"\n**{package}/**: {first_sentence(ROOT / package / '__init__.py')}\n")
        for path in FILES:
            inside = path.relative_to(ROOT)
            if inside.parts[0] == package and path.name != "__init__.py":
                lines.append(f"- `{inside}`: {first_sentence(path)}")
    return "\n".join(lines) + "\n\n"


def test_the_code_map_is_true() -> None:
    found = MAP.search(ARCHITECTURE.read_text(encoding="utf-8"))
    assert found is not None
    assert found[0].splitlines() == code_map().splitlines(), "run python -m tests.test_architecture"


def test_the_exit_codes_are_those_of_the_code() -> None:
    table = re.findall(r"^\| (\d+) \| ([A-Z_]+) \|", ARCHITECTURE.read_text(encoding="utf-8"), re.MULTILINE)
    assert [(int(code), name) for code, name in table] == [(code.value, code.name) for code in Exit]


if __name__ == "__main__":
    text = ARCHITECTURE.read_text(encoding="utf-8")
    ARCHITECTURE.write_text(MAP.sub(lambda _: code_map(), text), encoding="utf-8")
