"""What can be said about a source before it runs: whether it parses, what it imports, how its function is called."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Collection, Iterator, Sequence

from byzer_nb.errors import SandboxError
from byzer_nb.sandbox.modules import SAFE_IMPORTS

# Attributes that lead from any value to the insides of Python.
ESCAPES = frozenset(
    {
        "__base__",
        "__bases__",
        "__builtins__",
        "__closure__",
        "__code__",
        "__func__",
        "__getattribute__",
        "__globals__",
        "__import__",
        "__loader__",
        "__mro__",
        "__reduce__",
        "__reduce_ex__",
        "__self__",
        "__spec__",
        "__subclasses__",
        "__traceback__",
        "ag_frame",
        "cr_frame",
        "f_back",
        "f_builtins",
        "f_code",
        "f_globals",
        "f_locals",
        "gi_code",
        "gi_frame",
        "mro",
        "tb_frame",
        "tb_next",
    }
)
REFUSED_CALLS = frozenset({"__import__", "breakpoint", "compile", "eval", "exec", "open"})
LONGEST_SOURCE = 200_000


def check_source(
    source: str,
    name: str,
    *,
    parameters: Sequence[str] | None = None,
    allowed_imports: Collection[str] = SAFE_IMPORTS,
) -> None:
    """Refuse a source that cannot work or plainly tries to leave, with the line; nothing is run.

    It must define the function at its top level, able to take `parameters` by name (`None`: whatever it takes).
    What is found here is found early and told well, to a model that may try again. It is not what keeps code in:
    that is the process it runs in.
    """
    tree = parsed(source)
    _check_function(tree, name, parameters, source)
    bound = _bound_names(tree)
    for node in ast.walk(tree):
        for fault in _faults(node, bound, allowed_imports):
            raise _refused(fault, source, getattr(node, "lineno", 0))


def parsed(source: str) -> ast.Module:
    """The source as a tree."""
    if len(source) > LONGEST_SOURCE:
        raise SandboxError(
            f"The source has {len(source)} characters, and {LONGEST_SOURCE} are allowed.", reason="source"
        )
    try:
        return ast.parse(source)
    except SyntaxError as error:
        raise _refused(f"The source does not parse: {error.msg}", source, error.lineno or 0) from None
    except (ValueError, RecursionError, MemoryError) as error:  # a null byte, half a surrogate, thousands of brackets
        raise SandboxError(f"The source does not parse: {str(error) or 'it is too nested'}.", reason="source") from None


def imported_names(tree: ast.Module, allowed_imports: Collection[str]) -> list[str]:
    """The modules that the source imports and may import."""
    names = [name for node in ast.walk(tree) for name in _imports(node, allowed_imports)]
    return sorted({name for name in names if is_allowed(name, allowed_imports)})


def is_allowed(module: str, allowed_imports: Collection[str]) -> bool:
    """Whether a module or one that contains it is in the list."""
    parts = module.split(".")
    return any(".".join(parts[:count]) in allowed_imports for count in range(1, len(parts) + 1))


def _imports(node: ast.AST, allowed_imports: Collection[str]) -> list[str]:
    """The modules that one statement imports."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if not isinstance(node, ast.ImportFrom):
        return []
    if node.level or not node.module:
        return ["." * node.level + (node.module or "")]
    if is_allowed(node.module, allowed_imports):
        return [node.module]
    return [f"{node.module}.{alias.name}" for alias in node.names]  # as in `from urllib import parse`


def _check_function(tree: ast.Module, name: str, parameters: Sequence[str] | None, source: str) -> None:
    functions = {each.name: each for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}
    if name not in functions:
        near = difflib.get_close_matches(name, functions, 1)
        also = f"; it defines {near[0]!r}" if near else ""
        raise SandboxError(f"The source does not define a function {name!r} at its top level{also}.", reason="source")
    function = functions[name]
    if isinstance(function, ast.AsyncFunctionDef):
        raise _refused(f"{name!r} is async, and is called without an event loop", source, function.lineno)
    if parameters is None:
        return
    args = function.args
    by_place, by_name = [*args.posonlyargs, *args.args], [*args.args, *args.kwonlyargs]
    required = {each.arg for each in by_place[: len(by_place) - len(args.defaults)]}
    required |= {each.arg for each, value in zip(args.kwonlyargs, args.kw_defaults, strict=True) if value is None}
    unknown = [each for each in parameters if each not in {one.arg for one in by_name}]
    if unknown and args.kwarg is None:
        raise _refused(f"{name!r} does not take {_listed(unknown)} by name", source, function.lineno)
    missing = sorted(required - set(parameters))
    if missing:
        raise _refused(f"{name!r} also wants {_listed(missing)}, which it is not given", source, function.lineno)


def _bound_names(tree: ast.Module) -> set[str]:
    """Names that the source gives a meaning of its own."""
    bound = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.arg):
            bound.add(node.arg)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            bound.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            bound.add(node.id)
        elif isinstance(node, ast.alias):
            bound.add(node.asname or node.name)
    return bound


def _faults(node: ast.AST, bound: set[str], allowed_imports: Collection[str]) -> Iterator[str]:
    for module in _imports(node, allowed_imports):
        if not is_allowed(module, allowed_imports):
            yield f"{module!r} may not be imported"
    if isinstance(node, ast.Attribute) and node.attr in ESCAPES:
        yield f"{node.attr!r} leads out of the sandbox"
    elif isinstance(node, ast.Name) and node.id in ESCAPES - bound:
        yield f"{node.id!r} leads out of the sandbox"
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        inside = sorted(escape for escape in ESCAPES if escape.startswith("__") and escape in node.value)
        if inside:
            yield f"{inside[0]!r} in a text leads out of the sandbox"
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in REFUSED_CALLS - bound:
        yield f"{node.func.id!r} may not be called"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _refused(fault: str, source: str, number: int) -> SandboxError:
    lines = source.replace("\r\n", "\n").replace("\r", "\n").split("\n")  # as Python counts them
    line = f" in line {number}: {lines[number - 1].strip()[:200]}" if 0 < number <= len(lines) else ""
    return SandboxError(f"{fault}{line}" if line else f"{fault}.", reason="source")
