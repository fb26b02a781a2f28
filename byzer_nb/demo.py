"""A first talk with the bundled model in a terminal, in this process and then on Ray: `python -m byzer_nb.demo`.

No key, no network.
"""

from __future__ import annotations

import asyncio
import inspect
import time

from pydantic import BaseModel
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

from byzer_nb import AsyncClient, Client, __version__, prompt
from byzer_nb.client.gather import Gathering
from byzer_nb.types import DeploySpec, Reply
from byzer_nb.types.pool import PoolSpec

MODEL = "byzer-tiny"
QUESTIONS = ("Hello, who are you?", "Tell me a short story about a lamp.")
AT_ONCE = ("Hello!", "What is 2 + 3?", "Repeat: seven green kites", "你好！你是谁？")
DEPLOYED = "tiny"
ABOUT = "Mia is 31 years old, lives in Oslo and works as a painter."


class Person(BaseModel):
    """Somebody a text speaks of."""

    name: str
    age: int
    city: str


@prompt(MODEL, check_result=True)
def who_is(text: str) -> Person:  # type: ignore[empty-body]  # the docstring is the body
    """Who is this? {{ text }}"""


def main(console: Console) -> int:
    """Ask, stream, and turn an answer into an object; 0 when all of it worked."""
    client = Client(model=MODEL)
    context = client.describe().context_length  # the model is loaded here, so the first token below waits for no disk
    console.print(
        f"[bold]byzer_nb {__version__}[/] with {MODEL} ({context} tokens of context) in this process, offline\n"
    )
    for question in QUESTIONS:
        console.print(f"[bold cyan]you[/]    {escape(question)}")
        console.print(f"[dim]       {measures(answer(console, client, question))}[/]\n")
    console.print("A prompt function: its docstring is the prompt, its return type the shape of the answer.\n")
    console.print(Syntax(source_of(Person) + "\n\n" + source_of(who_is), "python", background_color="default"))
    person = who_is(ABOUT)
    console.print(f"\n[bold cyan]>>>[/] who_is({ABOUT!r})", highlight=False)
    console.print(repr(person))
    has_worked = on_ray(console)
    console.print("\nNext: [bold]make lab[/] opens the first notebook.")
    return 0 if isinstance(person, Person) and has_worked else 1


def on_ray(console: Console) -> bool:
    """Deploy the model on a private cluster, ask several things at once, and show what the workers did."""
    # Here and not above: what came before needs no Ray, and shall not wait for it.
    from byzer_nb._sync import run
    from byzer_nb.cluster.deployment import DeployStep, deploy, undeploy
    from byzer_nb.cluster.inspection import stat
    from byzer_nb.cluster.session import LOCAL, connect, disconnect

    console.print("\nThe same model as a pool of two workers on Ray, which any notebook and process could share.\n")
    started = time.perf_counter()
    with console.status("starting a private cluster …") as status:
        connect(LOCAL, init_options={"include_dashboard": False, "num_cpus": 2, "_node_ip_address": "127.0.0.1"})

        def show(step: DeployStep) -> None:
            status.update(f"{step.phase}: {step.ready} of {step.workers} workers ready")

        spec = DeploySpec(name=DEPLOYED, engine=MODEL)
        model = run(deploy(spec, PoolSpec(workers=2, slots=4, cpus=0.1), on_step=show))
    console.print(f"{model!r} after {time.perf_counter() - started:.1f} s, with the cluster")
    try:
        replies = run(_together(DEPLOYED))
        for question, reply in zip(AT_ONCE, replies, strict=True):
            console.print(f"[bold cyan]you[/]    {escape(question)}")
            console.print(f"[bold green]model[/]  {escape(reply.text)} [dim](worker {reply.worker})[/]")
        console.print(f"\n[bold cyan]>>>[/] stat({DEPLOYED!r})", highlight=False)
        console.print_json(data=run(stat(DEPLOYED)).as_json())
    finally:
        run(undeploy(DEPLOYED))
        disconnect()
    return all(reply.text for reply in replies)


async def _together(model: str) -> list[Reply]:
    client = AsyncClient(model=model)
    return await asyncio.gather(*[client.chat(question) for question in AT_ONCE])


def answer(console: Console, client: Client, question: str) -> Reply:
    """The reply, shown token by token while it is written."""
    gathering = Gathering(model=MODEL)
    console.print("[bold green]model[/]  ", end="")
    for delta in client.stream(question):
        gathering.add(delta)
        console.print(delta.text, end="", markup=False, highlight=False, soft_wrap=True)
    console.print()
    return gathering.reply()


def measures(reply: Reply) -> str:
    """What the answer took."""
    return (
        f"first token after {reply.first_token_seconds * 1000:.0f} ms, {reply.tokens_per_second:.0f} tokens/s, "
        f"{reply.usage.input_tokens} tokens in, {reply.usage.output_tokens} out"
    )


def source_of(thing: object) -> str:
    """The code of a class or of a prompt function, as it stands in this file."""
    code = inspect.getsource(inspect.unwrap(thing))  # type: ignore[arg-type]
    return "\n".join(line.partition("  # type:")[0] for line in code.strip().splitlines())


if __name__ == "__main__":
    raise SystemExit(main(Console(highlight=False)))
