"""Puts one line beside the package: a folder for the end of Python's path, where `byzerllm` is found."""

from __future__ import annotations

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

FOLDER = Path("byzer_nb", "seed", "path")
FILE = "byzer_nb_path.pth"


class BuildWithPath(build_py):
    """What setuptools does, and that file; in an editable install the line leads into the checkout."""

    def run(self) -> None:
        super().run()
        if self.editable_mode:
            place, folder = self.distribution.get_command_obj("install").install_lib, Path.cwd() / FOLDER
        else:
            place, folder = self.build_lib, FOLDER
        Path(place).mkdir(parents=True, exist_ok=True)
        Path(place, FILE).write_text(f"{folder.as_posix()}\n", encoding="utf-8")


setup(cmdclass={"build_py": BuildWithPath})
