# document: S003
# holds: UTIL-01

from byzerllm.utils.client import code_utils
text_with_markdown = '''
```shell
ls -l
```
'''
code_blocks = code_utils.extract_code(text_with_markdown)
for code_block in code_blocks:
    if code_block[0] == "shell":
        print(code_block[1])
