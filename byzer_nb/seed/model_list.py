"""The models that somebody uses, in a file of his own: `models.json` in a folder of keys, and a file for each key.

Only the owner can read any of them. A client is made of an entry by name, so that no notebook has a key in it.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from byzer_nb._registry import nearest
from byzer_nb.errors import BadInputError, UnknownModelError, WrongTypeError
from byzer_nb.seed.key_file import FOLDER, read_key
from byzer_nb.seed.llm import ByzerLLM, SimpleByzerLLM
from byzer_nb.types import Secret

__all__ = ["ListedModel", "ModelList", "get_llm_names", "get_model_info", "get_single_llm"]

FILE = "models.json"
MODES = ("lite", "pro")


def _hidden(key: Any) -> Secret | None:
    return Secret(key) if key else None


class ListedModel(BaseModel):
    """One entry: the name it is called by, and where it is. Prices are for a million tokens."""

    # Other tools keep more in their entries.
    model_config = ConfigDict(extra="allow", arbitrary_types_allowed=True, protected_namespaces=())

    name: str
    model_name: str
    model_type: str = "saas/openai"
    base_url: str = ""
    api_key_path: str = ""
    is_reasoning: bool = False
    input_price: float | None = None
    output_price: float | None = None
    max_output_tokens: int | None = None
    description: str = ""
    # Older entries have it here; ours have it in a file.
    api_key: Annotated[Secret | None, BeforeValidator(_hidden)] = Field(default=None, repr=False, exclude=True)


class ModelList:
    """The entries of a folder, read anew at each question, for other tools write there too."""

    def __init__(self, folder: str | Path = FOLDER) -> None:
        self.folder = Path(folder).expanduser()

    @property
    def path(self) -> Path:
        """The file with the entries."""
        return self.folder / FILE

    def models(self) -> list[ListedModel]:
        """Every entry; nothing where there is no file."""
        try:
            return [ListedModel.model_validate(entry) for entry in self._entries()]
        except (ValidationError, WrongTypeError) as wrong:
            raise self._unreadable(_reason(wrong)) from None

    def names(self) -> list[str]:
        """The names that can be asked for."""
        return [model.name for model in self.models()]

    def find(self, name: str) -> ListedModel:
        """The entry of that name."""
        return self.first([name])

    def first(self, names: Iterable[str]) -> ListedModel:
        """The entry of the first of these names that is listed."""
        wanted, listed = list(names), {model.name: model for model in self.models()}
        for name in wanted:
            if name in listed:
                return listed[name]
        known = f"Known: {', '.join(listed)}" if listed else "None is listed yet: ModelList().add(name=..., ...)"
        raise UnknownModelError(
            f"No model called {' or '.join(map(repr, wanted))} is listed in {str(self.path)!r}.",
            hint=nearest(wanted[0], listed) + known if wanted else known,
        )

    def key(self, model: ListedModel) -> Secret | None:
        """The key of a model; None when its entry has none and names no file."""
        if not model.api_key_path:
            return model.api_key
        return read_key(_file_name(model.api_key_path), folder=self.folder)

    def add(self, *, name: str, model_name: str, api_key: str | Secret | None = None, **entry: Any) -> ListedModel:
        """List a model, in the place of one of that name, and keep its key in a file that only the owner can read."""
        api_key = None if api_key is None else Secret(api_key)  # at once: tracebacks may show this frame
        try:
            model = ListedModel(name=name, model_name=model_name, **entry)
        except ValidationError as wrong:
            raise BadInputError(f"The entry of {name!r} is wrong: {_reason(wrong)}") from None
        if not name.strip() or "," in name:
            raise BadInputError(f"A model cannot be listed as {name!r}.", hint="Names are not empty and have no comma.")
        others = [other for other in self._entries() if other.get("name") != name]
        if api_key is not None:
            model.api_key_path = _file_name(model.api_key_path or _host(model.base_url) or name)
            self._write(self.folder / model.api_key_path, api_key.reveal().strip())
        entries = [*others, model.model_dump(exclude_unset=True)]
        self._write(self.path, json.dumps(entries, indent=2, ensure_ascii=False))
        return model

    def _entries(self) -> list[dict[str, Any]]:
        """The entries as they stand in the file."""
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return []
        except ValueError as wrong:
            raise self._unreadable(str(wrong)) from None
        if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
            raise self._unreadable("it should be a JSON list of objects")
        return entries

    def _unreadable(self, why: str) -> BadInputError:
        return BadInputError(
            f"{str(self.path)!r} is no list of models: {why}.",
            hint='It looks like this: [{"name": "fast", "model_name": "gpt-4o-mini", "base_url": "https://..."}]',
        )

    def _write(self, path: Path, text: str) -> None:
        """The text in a file for the owner alone; it is whole at any moment, also when two write."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")  # for the owner alone
        try:
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(beside, path)
        except BaseException:
            with suppress(FileNotFoundError):
                os.unlink(beside)
            raise


def get_single_llm(
    model_names: str, product_mode: str = "lite", *, folder: str | Path = FOLDER
) -> SimpleByzerLLM | ByzerLLM:
    """A client of the first of these models, whose names are separated by commas.

    `lite` deploys the listed model in this process with the key from its file; `pro` takes a model that runs on the
    cluster under that name.
    """
    names = _names(model_names)
    if _checked_mode(product_mode) == "pro":
        return ByzerLLM.from_default_model(names[0])
    models = ModelList(folder)
    model = models.first(names)
    params: dict[str, Any] = {
        "saas.model": model.model_name,
        "saas.base_url": model.base_url or None,
        "saas.api_key": models.key(model),
        "saas.is_reasoning": model.is_reasoning or None,
        "saas.max_output_tokens": model.max_output_tokens,
    }
    llm = SimpleByzerLLM(default_model_name=model.name)
    given = {key: value for key, value in params.items() if value is not None}
    llm.deploy(pretrained_model_type=model.model_type, udf_name=model.name, infer_params=given)
    return llm


def get_model_info(
    model_names: str, product_mode: str = "lite", *, folder: str | Path = FOLDER
) -> dict[str, Any] | None:
    """The entry of the first of these models, with its key behind a `Secret`; None for models of the cluster."""
    names = _names(model_names)
    if _checked_mode(product_mode) == "pro":
        return None
    models = ModelList(folder)
    model = models.first(names)
    key = models.key(model)
    return model.model_dump() | ({} if key is None else {"api_key": key})


def get_llm_names(llm: Any, target_model_type: str | None = None) -> list[str]:
    """The default models of a client or a list of clients; with a type, those of the sub client of that name, if any.

    A text is taken for names that are separated by commas.
    """
    sub = None if target_model_type is None else getattr(llm, "get_sub_client", lambda name: None)(target_model_type)
    found = llm if sub is None else sub
    if isinstance(found, str):
        return _names(found)
    clients: Sequence[Any] = found if isinstance(found, list | tuple) else [found]
    for client in clients:
        if not hasattr(client, "default_model_name"):
            raise WrongTypeError(f"{client!r} is no client.", hint="Give a ByzerLLM, a SimpleByzerLLM, or names.")
    return [client.default_model_name for client in clients if client.default_model_name]


def _names(names: str) -> list[str]:
    if not isinstance(names, str):
        raise WrongTypeError(f"Names of models are a text, separated by commas, not {names!r}.")
    found = [name.strip() for name in names.split(",") if name.strip()]
    if not found:
        raise BadInputError(f"{names!r} names no model.")
    return found


def _reason(wrong: ValidationError | WrongTypeError) -> str:
    if isinstance(wrong, WrongTypeError):
        return wrong.message
    first = wrong.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def _checked_mode(mode: str) -> str:
    if mode not in MODES:
        raise BadInputError(
            f"product_mode is {' or '.join(MODES)}, not {mode!r}.",
            hint="'lite' for models that are called from this process, 'pro' for those of the cluster.",
        )
    return mode


def _host(base_url: str) -> str:
    return urlsplit(base_url).netloc.rpartition("@")[2].replace(":", "_")


def _file_name(name: str) -> str:
    if name != Path(name).name or name in ("", ".", "..", FILE):
        raise BadInputError(
            f"{name!r} cannot be the name of a key's file.",
            hint=f"A plain name in the same folder as {FILE}, such as api.deepseek.com.",
        )
    return name
