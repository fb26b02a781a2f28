"""OpenAI's protocol, as its own clients speak it."""
