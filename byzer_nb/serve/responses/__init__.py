"""OpenAI's newer protocol: responses, which are kept and can be continued."""
