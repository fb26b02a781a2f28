# document: S004
# holds: PROMPT-01

import byzerllm

byzerllm.connect_cluster()

@byzerllm.prompt(llm="gpt3_5_chat")
def hello_llm(name:str)->str:
    '''
    你好，我是{{ name }}，你是谁？
    '''

hello_llm("byzerllm")
