# document: S003
# holds: PROMPT-10

import byzerllm
import json
import base64
from typing import Generator

llm = byzerllm.ByzerLLM.from_default_model("deepseek_chat")

@byzerllm.prompt()
def tell_story() -> Generator[str, None, None]:
    '''
    给我讲一个一百多字的故事
    '''

v = tell_story.with_llm(llm).run()    
for i in v:
    print(i, end="")
