# document: S003
# holds: PROMPT-01, PROMPT-03, CORE-11

import byzerllm

llm = byzerllm.ByzerLLM.from_default_model(model="deepseek_chat")
# or use SimpleByzerLLM

@byzerllm.prompt(llm=llm)
def hello(q:str) ->str:
    '''
    你好, {{ q }}
    '''

s = hello("你是谁")    
print(s)

## 输出:
## '你好！我是一个人工智能助手，专门设计来回答问题、提供信息和帮助解决问题。如果你有任何疑问或需要帮助，请随时告诉我。'
