# document: S002
# holds: PROMPT-02, PROMPT-05
# given: llm
# note: damaged characters are printed so

@llm.prompt(render="simple")
def generate_answer(context:str,question:str)->str:
    '''
    Answer the question based on only the following context:
    {context}
    Question: {question}
    Answer:
    '''
    pass

context='''
Byzer产�栈�底层�储到大模�管�和serving�到应用开�框�：
1. Byzer-Retrieval, 一个支���+�索的混�检索数�库。
2. Byzer-LLM, �以衔�SaaS/开�模�，能部署，�以统一入�。
3. Byzer-Agent ,一套分布� Agent 框�，�为应用开�框�
4. ByzerPerf, 一套性能��评测框�
5. ByzerEvaluation, 一套大模�效�评测框� （未开�）
6. Byzer-SQL， 一套全SQL方言，支�ETL，数�分��工作，并且支�大模�的管�和调用（model as UDF）,方便数�预处�。
'''
print(generate_answer(context=context,question="Byzer SQL是什么？"))
## output: Byzer SQL 是一个全SQL方言，支�ETL�数�分��工作，并且支�大模�的管�和调用（model as UDF），方便数�预处�。
