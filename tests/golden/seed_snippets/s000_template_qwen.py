# document: S000
# holds: CHAT-10
# given: llm

from byzerllm.utils.client import Templates
llm.setup_template("chat",Templates.qwen()) 
