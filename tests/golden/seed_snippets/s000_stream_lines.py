# document: S000
# holds: CHAT-04, COMPAT-03
# given: chat_model_name, llm


llm.setup_default_model_name(chat_model_name) 

t = llm.stream_chat_oai(conversations=[{
    "role":"user",
    "content":"Hello, how are you?"
}])

for line in t:
   print(line+"\n")
