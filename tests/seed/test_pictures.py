"""Pictures in questions, in every form in which the documents write them."""

from __future__ import annotations

import json
from base64 import b64encode
from pathlib import Path
from textwrap import wrap
from typing import Any

import pytest

import byzer_nb
from byzer_nb import Audio, Client, Image, SimpleByzerLLM, prompt
from byzer_nb.client.tagged import parts_of
from byzer_nb.errors import BadInputError
from byzer_nb.seed.values import AudioPath, ImagePath
from byzer_nb.types import ImagePart, Message, Picture, TextPart
from tests.standins.openai import OpenAIStandIn

PNG = b"\x89PNG\r\n\x1a\n" + bytes(8)
JPEG = b"\xff\xd8\xff\xe0" + bytes(8)
PNG_URL = "data:image/png;base64," + b64encode(PNG).decode()
JPEG_URL = "data:image/jpeg;base64," + b64encode(JPEG).decode()


@pytest.fixture
def cat(tmp_path: Path) -> Path:
    """A file that begins like a picture."""
    path = tmp_path / "cat.png"
    path.write_bytes(PNG)
    return path


@pytest.fixture
def dog(tmp_path: Path) -> Path:
    """Another one, with the suffix that is not the name of its type."""
    path = tmp_path / "dog.JPG"
    path.write_bytes(JPEG)
    return path


def sent(standin: OpenAIStandIn) -> Any:
    """The content that the provider got last."""
    return standin.requests[-1].body["messages"][-1]["content"]


def image(url: str, **extra: str) -> dict[str, Any]:
    """A picture in OpenAI's own form."""
    return {"type": "image_url", "image_url": {"url": url, **extra}}


TEXT = {"type": "text", "text": "What is this?"}


@pytest.mark.contract("MM-01")
def test_path_in_a_template_stands_for_its_picture(cat: Path, dog: Path) -> None:
    assert str(ImagePath(value=str(cat))) == f"<_image_>{PNG_URL}</_image_>"
    assert str(ImagePath(value=str(dog))) == f"<_image_>{JPEG_URL}</_image_>"
    sound = dog.with_name("a.mp3")
    sound.write_bytes(b"ID3")
    assert str(AudioPath(value=str(sound))) == "<_audio_>data:audio/mpeg;base64,SUQz</_audio_>"


@pytest.mark.contract("MM-01", "MM-03")
def test_missing_picture_is_told_with_its_path_before_anybody_is_asked(
    llm: SimpleByzerLLM, openai: OpenAIStandIn
) -> None:
    @prompt(llm=llm)
    def look(image_path: ImagePath) -> str:
        """{{ image_path }} What is this?"""

    with pytest.raises(FileNotFoundError, match="no/such"):
        look(ImagePath(value="no/such.png"))
    assert not openai.requests


@pytest.mark.contract("MM-03")
def test_pictures_of_a_prompt_function_come_in_order_and_before_its_words(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, cat: Path, dog: Path
) -> None:
    @prompt(llm=llm)
    def look(one: ImagePath, two: ImagePath) -> str:
        """
        {{ one }}
        {{ two }}
        What is this?
        """

    look(ImagePath(value=str(cat)), ImagePath(value=str(dog)))
    assert sent(openai) == [image(PNG_URL), image(JPEG_URL), TEXT]


@pytest.mark.contract("MM-02", "MM-03")
def test_body_of_a_prompt_function_may_load_the_picture(llm: SimpleByzerLLM, openai: OpenAIStandIn, cat: Path) -> None:
    @prompt(llm=llm)
    def look(image_path: str) -> str:
        """
        {{ image }}

        What is this?
        """
        return {"image": byzer_nb.Image.load_image_from_path(image_path)}  # type: ignore[return-value]

    look(str(cat))
    assert sent(openai) == [image(PNG_URL), TEXT]


@pytest.mark.contract("MM-03")
def test_picture_that_a_model_made_can_be_shown_to_another(llm: SimpleByzerLLM, openai: OpenAIStandIn) -> None:
    @prompt(llm=llm)
    def look(picture: Picture) -> str:
        """{{ picture }} What is this?"""

    look(Picture(data=PNG))
    assert sent(openai) == [image(PNG_URL), TEXT]


@pytest.mark.contract("MM-04")
@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([{"image": PNG_URL, "text": "What is this?"}], [image(PNG_URL), TEXT]),
        ([{"image": PNG_URL}, {"text": "What is this?"}], [image(PNG_URL), TEXT]),
        ([{"text": "What is this?"}, {"image_url": PNG_URL}], [TEXT, image(PNG_URL)]),
        ([image(PNG_URL, detail="high"), TEXT], [image(PNG_URL, detail="high"), TEXT]),
        ([{"image": PNG_URL, "detail": "low", "text": "What is this?"}], [image(PNG_URL, detail="low"), TEXT]),
        ([{"image": b64encode(JPEG).decode()}], [image(JPEG_URL)]),
        ([{"image": "\n".join(wrap(b64encode(JPEG).decode(), 4))}], [image(JPEG_URL)]),
        ([{"image": f"<_image_>{PNG_URL}</_image_>"}], [image(PNG_URL)]),
        ([{"type": "image_url", "image_url": {"url": f"<_image_>{PNG_URL}</_image_>"}}], [image(PNG_URL)]),
        ([{"image": "data:image/jpg," + b64encode(JPEG).decode()}], [image(JPEG_URL)]),
        ([{"image": "https://example.com/a.png"}], [image("https://example.com/a.png")]),
        ({"image": PNG_URL, "text": "What is this?"}, [image(PNG_URL), TEXT]),
    ],
)
def test_every_form_of_a_picture_becomes_the_same(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, items: Any, expected: Any
) -> None:
    for content in (json.dumps(items), items):
        llm.chat_oai([{"role": "user", "content": content}])
        assert sent(openai) == expected


@pytest.mark.contract("MM-04")
@pytest.mark.parametrize("text", ["5", "[1, 2]", '[{"text": "a"}]', '{"image', "[{'image': 1}]", '{"a": "image"}'])
def test_json_without_a_picture_stays_a_text(llm: SimpleByzerLLM, openai: OpenAIStandIn, text: str) -> None:
    llm.chat_oai([{"role": "user", "content": text}])
    assert sent(openai) == text


@pytest.mark.contract("MM-04")
@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"image": PNG_URL}, {"picture": "x"}], "Item 1 in the content of message 0 has no known key: picture"),
        ([{"image": "no base64 at all!"}], "The image cannot be decoded"),
        ([{"image": "data:image/png;base64,***"}], "The image cannot be decoded"),
        ([{"image": "data:image/png;base64"}], "This is no data URL"),
        ([{"image": "data:image/png;base64,"}], "The image is empty"),
    ],
)
def test_picture_that_cannot_be_read_is_refused_before_it_is_sent(
    llm: SimpleByzerLLM, openai: OpenAIStandIn, content: Any, words: str
) -> None:
    for form in (content, json.dumps(content)):
        with pytest.raises(BadInputError, match=words):
            llm.chat_oai([{"role": "user", "content": form}])
    assert not openai.requests


def test_path_inside_a_text_is_not_read_from_the_disk(cat: Path) -> None:
    text = f"<_image_>{cat}</_image_> Look!"
    assert parts_of(text) == text


@pytest.mark.contract("MM-02")
def test_image_helpers_take_pictures_out_of_a_text_and_put_them_in(cat: Path, tmp_path: Path) -> None:
    assert Image.load_image_from_path(str(cat), only_content=True) == PNG_URL
    text = Image.convert_image_paths_from(f"see <img>{cat}</img> there")
    assert text == f"see <_image_>{PNG_URL}</_image_> there"
    assert Image(text).has_image()
    assert not Image("no").has_image()
    assert Image(text).to_content() == [{"image": PNG_URL}, {"text": "see  there"}]
    assert Image.extract_image_paths(f"<_image_>{cat}</_image_>") == [str(cat)]
    assert Image.extract_image_paths(f"<_image_>{cat}</_image_>", to_base64=True) == [PNG_URL]
    saved = Image.save_image_to_path(JPEG_URL, str(tmp_path / "new" / "x.png"), auto_fix_suffix=True)
    assert saved == str(tmp_path / "new" / "x.jpg")
    assert Path(saved).read_bytes() == JPEG
    with pytest.raises(ValueError, match="Invalid image data format"):
        Image.save_image_to_path("nothing", str(tmp_path / "y.png"))
    with pytest.raises(FileNotFoundError, match="gone"):
        Audio.load_audio_from_path("gone.mp3")


@pytest.mark.contract("MM-04")
def test_client_takes_pictures_as_parts(openai: OpenAIStandIn, llm: SimpleByzerLLM) -> None:
    client = Client(llm.client.transport, model=llm.default_model_name or "")
    client.chat(Message(role="user", content=(ImagePart(url=PNG_URL), TextPart(text="What is this?"))))
    assert sent(openai) == [image(PNG_URL), TEXT]
