# document: S003
# holds: UTIL-07, PROMPT-15, STRUCT-12

import os
from pathlib import Path
from autocoder.common.files import read_file
import byzerllm

# 初始化大模型
llm = byzerllm.ByzerLLM.from_default_model(model="deepseek_chat")

@byzerllm.prompt()
def detect_windows_encoding_issues(code: str) -> str:
    """
    分析以下Python代码是否存在读取文件时不兼容Windows的编码问题（要兼容uft8/gbk）：
    
    {{ code }}
    
    如果存在以上问题，返回如下json格式：

    ```json
    {
        "value": 是否存在问题，true 或者 false
    }
    ```
    """

from byzerllm.types import Bool
def check_directory(directory: str):
    """检查目录下所有.py文件的Windows编码兼容性"""
    issues = []
    
    for root, _, files in os.walk(directory):
        for file in files:
            if file.endswith('.py'):
                file_path = Path(root) / file
                try:
                    print("processing file: ", file_path)
                    content = read_file(str(file_path))                    
                    result = detect_windows_encoding_issues.with_llm(llm).with_return_type(Bool).run(content)
                    if result.value:
                        print("found issue in file: ", file_path)
                        issues.append(str(file_path))
                except Exception as e:
                    print(f"Error reading {file_path}: {str(e)}")
    
    return issues

# 使用示例
directory_to_check = "xxxx"  # 修改为你要检查的目录
issues = check_directory(directory_to_check)

if issues:
    print("发现以下文件可能存在Windows编码问题：")
    for issue in issues:
        print(f"- {issue}")
else:
    print("未发现Windows编码问题")
