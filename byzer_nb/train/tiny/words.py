"""Names, words and numbers drawn at random, so that an answer must be copied and cannot be remembered."""

from __future__ import annotations

from random import Random

CONSONANTS = "bcdfghjklmnprstvwz"
VOWELS = "aeiou"


def listed(text: str) -> tuple[str, ...]:
    """The words of a text, which is easier to read than a column of quotes."""
    return tuple(text.split())


FIRST_NAMES = listed(
    "Ada Alan Alice Amy Anna Ben Bob Carl Clara Dan David Emma Eva Finn Frank Grace Hanna Henry Ida Jack James Jane "
    "John Kate Kim Lea Leo Lily Linda Lucy Luke Mark Mary Max Mia Mike Nina Noah Nora Olga Oscar Paul Peter Rosa Ruth "
    "Sam Sara Sofia Sue Theo Tim Tom Tina Vera Wang Will Zoe"
)
SURNAMES = listed(
    "Smith Brown Jones Taylor Miller Wilson Moore Clark Lewis Walker Young King Wright Green Baker Hill Lovelace "
    "Turing Hopper Curie Garcia Lopez Meyer Rossi Silva Kim Lee Chen Tanaka Novak"
)
CITIES = listed(
    "Berlin Boston Cairo Chicago Delhi Dublin Lima Lisbon London Madrid Milan Oslo Paris Prague Rome Seoul Tokyo "
    "Toronto Vienna Warsaw Beijing Shanghai Hangzhou Shenzhen"
)
JOBS = listed(
    "teacher doctor baker driver farmer painter singer writer nurse pilot cook engineer lawyer gardener dentist "
    "student tailor sailor plumber chemist"
)
COLOURS = listed("red blue green yellow black white brown pink purple orange grey golden silver")
DRINKS = listed("tea coffee milk water juice cocoa lemonade soda cider")
NOUNS = listed(
    "apple bird boat book bottle box bread bridge bus cake camera candle car cat chair child clock cloud coat cow cup "
    "dog door dragon duck egg fish flower forest fox frog garden ghost goat hat horse house island key king kite lake "
    "lamp leaf letter lion machine map moon mountain mouse ocean owl panda pen phone piano picture pig princess queen "
    "rabbit rain river road robot school sea sheep ship shoe snail snow spoon spring star stone storm summer sun table "
    "tiger town train tree turtle umbrella village wall whale wind window winter wizard wolf"
)
ADJECTIVES = listed(
    "old young small big brave quiet kind happy sad lazy clever lonely hungry tired funny slow quick shy strange lost "
    "little gentle cold warm bright dark lucky proud curious friendly"
)
SPORTS = listed("tennis football chess golf hockey cards rugby handball baseball cricket")
WEEKDAYS = listed("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
GOOD_WORDS = listed("great lovely wonderful excellent good nice amazing perfect fantastic delicious brilliant")
BAD_WORDS = listed("terrible bad awful horrible boring broken poor ugly useless disappointing dirty")

CHINESE_SURNAMES = "李王张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗"
CHINESE_GIVEN = "明华丽强军芳静敏伟杰娟涛超霞平刚文辉玲红波英斌云山海星月雨雪春秋东南天龙宁安乐思远"
CHINESE_CITIES = listed("北京 上海 广州 深圳 杭州 成都 南京 西安 武汉 重庆 天津 苏州 长沙 青岛 昆明")
CHINESE_JOBS = listed("老师 医生 司机 画家 歌手 作家 护士 厨师 工程师 律师 学生 农民 警察 演员")
CHINESE_COLOURS = listed("红色 蓝色 绿色 黄色 黑色 白色 粉色 紫色 橙色 灰色")
CHINESE_DRINKS = listed("茶 咖啡 牛奶 水 果汁 可乐 豆浆 柠檬水")
CHINESE_PLACES = listed("厨房 花园 学校 图书馆 盒子 书包 房间 桌子 车站 商店 抽屉 柜子")
CHINESE_WEEKDAYS = listed("星期一 星期二 星期三 星期四 星期五 星期六 星期日")
CHINESE_NOUNS = listed(
    "猫 狗 鱼 鸟 马 兔子 老虎 狐狸 大象 熊猫 月亮 太阳 星星 大海 高山 小河 森林 花园 机器人 公主 国王 苹果 书 船 火车 "
    "雨 雪 风 树 花 桥 灯 门 窗 石头 孩子 朋友"
)


def word(rng: Random, low: int = 2, high: int = 3) -> str:
    """A pronounceable word that exists in no language, or rarely a string of any letters."""
    if rng.random() < 0.06:
        return "".join(rng.choice("abcdefghijklmnopqrstuvwxyz") for _ in range(rng.randint(2, 7)))
    syllables = rng.randint(low, high)
    return "".join(
        rng.choice(CONSONANTS) + rng.choice(VOWELS) + (rng.choice("nrslt") if rng.random() < 0.3 else "")
        for _ in range(syllables)
    )


def name(rng: Random) -> str:
    """A name, mostly invented, now and then with a family name."""
    first = rng.choice(FIRST_NAMES) if rng.random() < 0.3 else word(rng).capitalize()
    if rng.random() < 0.15:
        return f"{first} {rng.choice(SURNAMES) if rng.random() < 0.4 else word(rng).capitalize()}"
    return first


def city(rng: Random) -> str:
    """A city, mostly invented, now and then of two words."""
    if rng.random() < 0.35:
        return rng.choice(CITIES)
    if rng.random() < 0.08:
        return f"{rng.choice(['New', 'San', 'Port', 'Old'])} {word(rng).capitalize()}"
    return word(rng).capitalize()


def one_of(rng: Random, known: tuple[str, ...], share: float = 0.5) -> str:
    """One of the known words in that share of the draws, an invented word otherwise."""
    return rng.choice(known) if rng.random() < share else word(rng)


def indefinite(noun: str) -> str:
    """The noun with `a` or `an` before it."""
    return f"{'an' if noun[0] in VOWELS else 'a'} {noun}"


def described(rng: Random, known: tuple[str, ...], share: float = 0.5) -> str:
    """The same, now and then with a word before it that says more."""
    plain = one_of(rng, known, share)
    if rng.random() < 0.1:
        return f"{rng.choice(COLOURS + ADJECTIVES) if rng.random() < 0.5 else word(rng)} {plain}"
    return plain


def number(rng: Random) -> int:
    """A whole number; small ones are as likely as long ones."""
    return rng.randint(0, 10 ** rng.randint(1, 4) - 1)


def price(rng: Random) -> float:
    """A number with one or two digits after the point."""
    return rng.randint(1, 9999) / rng.choice([10, 100])


def thing(rng: Random) -> str:
    """A noun."""
    return one_of(rng, NOUNS, 0.7)


def phrase(rng: Random) -> str:
    """One to three words of which at least one is a noun or invented."""
    return " ".join(
        [
            *(rng.choice(ADJECTIVES) for _ in range(rng.choice([0, 0, 1]))),
            thing(rng),
            *(word(rng) for _ in range(rng.choice([0, 0, 0, 1]))),
        ]
    )


def token(rng: Random) -> str:
    """A word, name, noun or number for texts that are only copied."""
    kind = rng.random()
    if kind < 0.35:
        return word(rng, 1, 3)
    if kind < 0.5:
        return name(rng)
    if kind < 0.65:
        return rng.choice(NOUNS)
    if kind < 0.75:
        return rng.choice(ADJECTIVES)
    if kind < 0.8:
        return rng.choice(["the", "a", "is", "and", "of", "I", "you", "it", "to", "in"])
    if kind < 0.85:
        return word(rng).upper()
    return str(number(rng))


def chinese_name(rng: Random) -> str:
    """A Chinese name of two or three characters."""
    given = "".join(rng.choice(CHINESE_GIVEN) for _ in range(rng.randint(1, 2)))
    return rng.choice(CHINESE_SURNAMES) + given


def chinese_word(rng: Random, low: int = 1, high: int = 3) -> str:
    """A few Chinese characters that need not mean anything; rarely any of the 20,000."""
    if rng.random() < 0.1:
        return "".join(chr(rng.randint(0x4E00, 0x9FA5)) for _ in range(rng.randint(low, min(high, 2))))
    return "".join(rng.choice(CHINESE_GIVEN + CHINESE_SURNAMES) for _ in range(rng.randint(low, high)))


def chinese_one_of(rng: Random, known: tuple[str, ...], share: float = 0.7) -> str:
    """One of the known Chinese words in that share of the draws, a few characters otherwise."""
    return rng.choice(known) if rng.random() < share else chinese_word(rng, 2, 3)
