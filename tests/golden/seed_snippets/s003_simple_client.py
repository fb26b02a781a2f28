# document: S003
# holds: CORE-12
# given: byzerllm, os

llm = byzerllm.SimpleByzerLLM(default_model_name="deepseek_chat")
api_key_dir = os.path.expanduser("~/.auto-coder/keys")
api_key_file = os.path.join(api_key_dir, "api.deepseek.com")

if not os.path.exists(api_key_file):                
    raise Exception(f"API key file not found: {api_key_file}")

with open(api_key_file, "r") as f:
    api_key = f.read()

llm.deploy(
    model_path="",
    pretrained_model_type="saas/openai",
    udf_name="deepseek_chat",
    infer_params={
        "saas.base_url": "https://api.deepseek.com/v1",
        "saas.api_key": api_key,
        "saas.model": "deepseek-chat"
    }
)
