# document: S000
# holds: CHAT-09
# given: llm

llm.setup_extra_generation_params("chat",{
    "generation.stop_token_ids":[7]
})
