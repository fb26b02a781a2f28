# document: S000
# holds: EMB-01
# given: LLMRequest, llm
# note: the printed vector is left out, for it is no Python

t = llm.emb("emb",LLMRequest(instruction="wow"))
t[0].output
