# document: S003
# holds: PROMPT-15
# given: byzerllm, llm

import pydantic 

class Story(pydantic.BaseModel):    
    title: str
    body: str 

@byzerllm.prompt()
def tell_story()->str:
    '''
    讲一个100字的故事。
    
    返回符合以下格式的JSON:
    
    ```json
    {
        "title": "故事的标题",
        "body": "故事主体"
    }    
    ```    
    '''

s = tell_story.with_llm(llm).with_return_type(Story).run()
print(isinstance(s, Story))
print(s.title)

## True
## 勇敢的小鸟
