# document: S000
# holds: CHAT-10
# given: llm

llm.setup_template("chat","auto") 
