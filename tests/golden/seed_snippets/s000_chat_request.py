# document: S000
# holds: CHAT-02
# given: LLMRequest, llm
# note: the last line of its snippet; what stands before it deploys the model

llm.chat("llama_chat",LLMRequest(instruction="hello world"))[0].output
