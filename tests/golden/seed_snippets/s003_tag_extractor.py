# document: S003
# holds: UTIL-03

from byzerllm.apps.utils import TagExtractor

extractor = TagExtractor('''
大家好
<_image_>data:image/jpeg;base64,xxxxxx</_image_>
                         大家好
<_image_>data:image/jpeg;base64,xxxxxx2</_image_>
''')

v = extractor.extract()
print(v.content[0].content)
print(v.content[1].content)
