# document: S004
# holds: PROMPT-08
# after: s004_hello_llm

hello_llm.prompt("byzerllm")
