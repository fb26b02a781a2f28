# document: S003
# holds: CHAT-04

import byzerllm

llm = byzerllm.ByzerLLM.from_default_model("deepseek_chat")

v = llm.stream_chat_oai(conversations=[{
    "role":"user",
    "content":"讲一个100字的故事"
}])

for s  in v:
    print(s[0], end="")
