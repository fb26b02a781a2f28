"""What a model writes is shown, and never run, in the page that holds the reader's kernel."""

from __future__ import annotations

import nbformat
import pytest

from tests.browser.jupyterlab import Lab, empty_notebook, opened

pytestmark = pytest.mark.browser

HURT = "window.hurt = (window.hurt || 0) + 1"
ANSWERS = [
    f"Look: <script>{HURT}</script> <img src=x onerror='{HURT}'> <b onmouseover='{HURT}'>bold</b>",
    f"<details open ontoggle='{HURT}'><summary>x</summary></details>\n\n<style>body {{ display: none }}</style>",
    f"- ```\n```\n<img src=x onerror='{HURT}'>\n```\n",
    f"  ```\n```\n<img src=x onerror='{HURT}'>\n```\n",
    f"$$\n```\n$$\n<img src=x onerror='{HURT}'>\n```\n",
    f"~~~ a`b\n<i>\n~~~\n<img src=x onerror='{HURT}'>\n~~~\n",
    f"> ```\n<img src=x onerror='{HURT}'>\n> ```\n",
    "![x](http://127.0.0.1:1/phone) ![x](<http://127.0.0.1:1/phone> 'title') ![y][p]\n\n[p]: http://127.0.0.1:1/phone",
    f"[click](javascript:{HURT.replace(' ', '')}) [ref][r] <javascript:x> [c](javascript&colon;x) [f](ftp://h)\n\n"
    f"[r]: javascript:{HURT.replace(' ', '')}",
    '[r]: a "\n```\n"\n![x](http://127.0.0.1:1/phone)\n```\n',
    f'[x](http://127.0.0.1:1/$"onmouseover="{HURT}"$) http://127.0.0.1:1/$"onmouseover="{HURT}"$',
    '```mermaid\nflowchart TD\n  A@{ img: "http://127.0.0.1:1/phone" }\n```',
    "$\\href{javascript:x}{y} \\style{background:url(http://127.0.0.1:1/phone)}{z}$",
    "Some code:\n\n```html\n<b>kept</b>\n```\n\nand `<i>` in **text**.",
]
ASK = """
%load_ext byzer_nb
from byzer_nb import ScriptedEngine
from byzer_nb._sync import run
from byzer_nb.client import shared_models
from byzer_nb.types import Reply
answers = {answers!r}
for number, answer in enumerate(answers):
    engine = ScriptedEngine([Reply(text=answer, reasoning=answer)])
    run(shared_models().add(str(number), engine))
    get_ipython().run_line_magic("prompt", f"-m {{number}} Hello")
"""
SCHEMES = """() => [...document.querySelectorAll('.jp-OutputArea-output a')].map(link => link.protocol)"""
CAME_ALIVE = """() => [...document.querySelectorAll('.jp-OutputArea-output')].flatMap(output => [
  ...output.querySelectorAll('script, style, img, i, b, [onerror], [onmouseover], [ontoggle]'),
].map(element => element.outerHTML))"""


@pytest.mark.contract("NB-05")
async def test_html_of_a_model_is_shown_as_typed(lab: Lab) -> None:
    nbformat.write(empty_notebook(ASK.format(answers=ANSWERS)), lab.root / "untrusted.ipynb")
    async with opened(lab, "untrusted.ipynb") as notebook:
        await notebook.run_all(until=1)
        page = notebook.page
        # The last answer's code is coloured a moment after the rest.
        await page.wait_for_selector(".jp-RenderedMarkdown pre >> text=<b>kept</b>")
        await page.wait_for_timeout(500)
        assert await page.evaluate(CAME_ALIVE) == []
        assert await page.evaluate("() => window.hurt") is None
        assert set(await page.evaluate(SCHEMES)) == {"http:"}
        assert notebook.foreign_requests() == []
        shown = await page.locator(".jp-RenderedMarkdown").all_inner_texts()
        assert "<script>" in shown[0].replace("\u2060", "")
