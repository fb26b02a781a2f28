# document: S003
# holds: PROMPT-08, PROMPT-04
# after: s003_hello

hello.prompt("你是谁")
## '你好, 你是谁'
