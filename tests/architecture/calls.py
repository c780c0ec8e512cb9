"""Who calls whom in the portal, read off its code: names are followed through imports."""

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

import portal
import portal.app  # so that every table is known
from portal.core.db import Base

PACKAGE = Path(portal.__file__).parent
IN_SESSION = {"add", "add_all", "delete", "merge"}
STATEMENTS = {"change", "delete", "insert", "update"}
RECORDING = {"portal.audit.service.record"}
FIELDS = {name for mapper in Base.registry.mappers for name in vars(mapper.class_)}
Definition = ast.FunctionDef | ast.ClassDef


class Calls:
    """The functions and classes of all modules, by their full names, with what each one names."""

    def __init__(self) -> None:
        self._modules = {_name_of(path): ast.parse(path.read_text()) for path in _files()}
        self.definitions = {
            f"{module}.{definition.name}": definition
            for module, tree in self._modules.items()
            for definition in tree.body
            if isinstance(definition, Definition) and not _records_itself(definition)
        }
        known = {module: self._known_in(module) for module in self._modules}
        named = {name: self._names_in(name, known[_module_of(name)]) for name in self.definitions}
        self._callers: dict[str, set[str]] = defaultdict(set)
        for caller, callees in named.items():
            for callee in callees & self.definitions.keys():
                self._callers[callee].add(caller)

    def callers_of(self, goal: set[str]) -> set[str]:
        """The goal, and whatever comes to it, through however many others."""
        found, new = set(goal), set(goal)
        while new:
            new = set().union(*(self._callers[name] for name in new)) - found
            found |= new
        return found

    def called_by(self, *packages: str) -> set[str]:
        """What functions of these packages name of the others."""
        inside = tuple(f"{package}." for package in packages)
        return {
            callee
            for callee, callers in self._callers.items()
            if not callee.startswith(inside) and any(one.startswith(inside) for one in callers)
        }

    def _names_in(self, name: str, known: Mapping[str, str]) -> set[str]:
        return {known[word] for word in _words_in(self.definitions[name]) if word in known} | {
            f"{known[module]}.{word}"
            for module, word in _attributes_in(self.definitions[name])
            if module in known
        }

    def _known_in(self, module: str) -> Mapping[str, str]:
        """What names mean in a module, by its imports and definitions."""
        imported = {
            alias.asname or alias.name: f"{node.module}.{alias.name}"
            for node in ast.walk(self._modules[module])
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("portal")
            for alias in node.names
        }
        own = (name for name in self.definitions if _module_of(name) == module)
        return imported | {name.rpartition(".")[2]: name for name in own}


def changes_rows(definition: Definition) -> bool:
    """Whether it writes by itself: through the session, by a statement, or to a thing's field."""
    for node in ast.walk(definition):
        match node:
            case ast.Call(func=ast.Name(id=name)) if name in STATEMENTS:
                return True
            case ast.Call(func=ast.Attribute(value=target, attr=name)) if name in IN_SESSION:
                if ast.unparse(target).endswith("session"):
                    return True
            case ast.Assign(targets=[ast.Attribute(attr=name)]) if name in FIELDS:
                if isinstance(definition, ast.FunctionDef):  # an enumeration's words have names
                    return True
    return False


def _records_itself(definition: Definition) -> bool:
    """A refusal, which records that nothing happened: whoever raises it has recorded nothing."""
    return isinstance(definition, ast.ClassDef) and any(
        isinstance(part, ast.FunctionDef) and part.name == "record" for part in definition.body
    )


def _files() -> Iterator[Path]:
    return PACKAGE.rglob("*.py")


def _name_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def _module_of(name: str) -> str:
    return name.rpartition(".")[0]


def _words_in(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _attributes_in(tree: ast.AST) -> set[tuple[str, str]]:
    return {
        (node.value.id, node.attr)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
    }
