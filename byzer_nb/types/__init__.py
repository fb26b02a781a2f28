"""What travels between the floors: requests down, deltas and replies up. No behaviour beyond checking and display."""

from byzer_nb.types.deploy import DeploySpec
from byzer_nb.types.embeddings import EmbedReply, EmbedRequest
from byzer_nb.types.engine import Capabilities, Draws, Embeds, Engine, ModelCard, Price, Speaks, Tokenizes, Transcribes
from byzer_nb.types.media import (
    DrawRequest,
    Picture,
    Pictures,
    Segment,
    Sound,
    SpeakRequest,
    TranscribeRequest,
    Transcript,
    Word,
)
from byzer_nb.types.messages import AudioPart, ChatRequest, ImagePart, Message, Part, Role, TextPart
from byzer_nb.types.options import ChatOptions
from byzer_nb.types.replies import Delta, FinishReason, Reply, Usage
from byzer_nb.types.secret import Secret
from byzer_nb.types.tools import AnswerSchema, ToolCall, ToolSpec

__all__ = [
    "AnswerSchema",
    "AudioPart",
    "Capabilities",
    "ChatOptions",
    "ChatRequest",
    "Delta",
    "DeploySpec",
    "DrawRequest",
    "Draws",
    "EmbedReply",
    "EmbedRequest",
    "Embeds",
    "Engine",
    "FinishReason",
    "ImagePart",
    "Message",
    "ModelCard",
    "Part",
    "Picture",
    "Pictures",
    "Price",
    "Reply",
    "Role",
    "Secret",
    "Segment",
    "Sound",
    "SpeakRequest",
    "Speaks",
    "TextPart",
    "Tokenizes",
    "ToolCall",
    "ToolSpec",
    "TranscribeRequest",
    "Transcribes",
    "Transcript",
    "Usage",
    "Word",
]
