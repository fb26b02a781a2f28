# document: S003
# holds: CHAT-08
# given: llm

response = llm.chat_oai(
                        conversations=[
                            {"role":"user","content":"xxxxx"},
                            {"role":"assistant","content":"xxxxx"}
                        ],
                        llm_config={
                            "gen.response_prefix": True},
                    )
k = response[0].output
