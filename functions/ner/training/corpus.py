"""Generate Korean sentences with named entities: the same ones for the same seed.

The data is made from patterns, not collected. It has ten kinds of entity, as in common Korean corpora: PER, LOC,
ORG, DAT (date), TIM (time), DUR (duration), MNY (money), PNT (percentage), NOH (other quantity), POH (other).
Half of the names are for training, the other half for the held-out sentences.
"""

import random
from pathlib import Path
from typing import NamedTuple

KINDS = ("PER", "LOC", "ORG", "DAT", "TIM", "DUR", "MNY", "PNT", "NOH", "POH")
LABELS = ("O", *(f"{mark}-{kind}" for kind in KINDS for mark in "BI"))
WORDS = {
    name: words.split()
    for line in Path(__file__).with_name("words.txt").read_text(encoding="utf-8").splitlines()
    for name, _, words in [line.partition(" ")]
}
"""Words by list; `_` stands for a space inside of one."""


SUFFIXES = ("시", "구", "동", "군", "읍", "면", "리", "역", "산", "강", "섬", "공원", "시장", "터미널")
KINDS_OF_WORK = (
    "축제",
    "영화제",
    "올림픽",
    "월드컵",
    "전쟁",
    "상",
    "대회",
    "박람회",
    "협정",
    "선언",
    "사업",
    "프로젝트",
)

SENTENCES = (
    "{PER:은/는} {DAT} {LOC}에서 {ORG} 관계자를 만났다.",
    "{PER} {role:이/가} {ORG} 신임 대표로 선임됐다.",
    "{ORG:은/는} {DAT} {LOC}에 새 공장을 짓는다고 밝혔다.",
    "{LOC} {LOC}에서 {DAT} {TIM} 불이 나 {NOH:이/가} 대피했다.",
    "{ORG}의 매출은 {DUR} {PNT} 늘어 {MNY:을/를} 기록했다.",
    "{PER:와/과} {PER:은/는} {LOC}에서 {DUR} 함께 살았다.",
    "회의는 {DAT} {TIM}에 {ORG} 본사에서 열린다.",
    "{PER}에게 {MNY:을/를} 보내 주세요.",
    "{POH:이/가} {DAT}부터 {LOC}에서 열린다.",
    "{PER} {role:은/는} {POH}에서 대상을 받았다.",
    "표값은 {MNY}이고 {NOH}까지 살 수 있다.",
    "{DAT} {LOC}의 기온은 {NOH}까지 올라갔다.",
    "응답자의 {PNT:이/가} 반대한다고 답했다.",
    "{ORG} 주가는 {DAT}보다 {PNT} 떨어진 {MNY}에 마감했다.",
    "{PER}, {PER}, {PER} 세 사람이 {ORG:을/를} 세웠다.",
    "{LOC}에서 {LOC}까지 기차로 {DUR} 걸린다.",
    "{TIM}에 {LOC} 앞에서 만나자.",
    "나는 {DAT}에 {PER} {role:을/를} 처음 봤다.",
    "{ORG}에서 일하는 {PER}입니다.",
    "{PER} 어디 있어?",
    "{LOC} 날씨 알려줘",
    "{LOC} 가는 버스는 {TIM}에 출발합니다.",
    "{ORG:와/과} {ORG:은/는} {POH:을/를} 공동으로 추진한다.",
    "{DUR} 동안 {NOH:이/가} {LOC:을/를} 찾았다.",
    "{PER:이/가} 쓴 {POH:은/는} {NOH} 넘게 팔렸다.",
    "{LOC} 출신인 {PER:은/는} {DAT} {ORG}에 입단했다.",
    '"{POH:이/가} 제일 재미있었어요"라고 {PER:이/가} 말했다.',
    "{ORG}({LOC})는 {DAT} 직원 {NOH:을/를} 뽑는다.",
    "우리는 {LOC:으로/로} 이사했다.",
    "금리는 연 {PNT:으로/로} 올랐고 대출금은 {MNY:이/가} 됐다.",
    "{PER} {role}, {DAT} {TIM} 예약 확인 부탁드립니다 🙏",
    "{LOC}에 있는 {ORG:은/는} 올해로 문을 연 지 {DUR:이/가} 됐다.",
    "정부는 {DAT}까지 {MNY:을/를} {POH}에 쓰기로 했다.",
    "{ORG} 소속 {PER:이/가} {NOH:을/를} 넣어 이겼다.",
    "{PER:아/야}, {TIM}에 전화해.",
    "{LOC}, {LOC}, {LOC} 순으로 비가 온다.",
    "{PER:은/는} {LOC}에 {verb}.",
    "{PER:이/가} {noun:을/를} {verb}.",
    "{adverb} {PER:은/는} {LOC}에서 {noun:을/를} {verb}.",
    "{noun:은/는} {LOC}에서 {adverb} {verb}.",
    "{ORG}에 {noun:을/를} {verb}.",
    "{adverb} {ORG}에 다니는 {PER}입니다.",
    "{PER} {role:은/는} {DAT} {LOC}에서 {noun:을/를} {verb}.",
    "{DAT} {TIM}에 {LOC}에서 {noun:을/를} {verb}.",
    "{PER:이/가} {ORG}에서 {NOH:을/를} {verb}.",
    "{noun} {noun:이/가} {MNY:으로/로} {verb}",
    "{POH:은/는} {adverb} {verb}!",
    "{noun:을/를} {DUR} {adverb} {verb}",
    "{noun:이/가} {PNT} {verb}",
    "{noun:은/는} {noun:을/를} {adverb} {verb}.",
    "{adverb} {noun:이/가} {verb}?",
    "{adverb} {noun} {noun:을/를} {verb}. {noun:은/는} {verb}.",
)
PLAIN = (
    "오늘따라 기분이 참 좋네요.",
    "이 책은 생각보다 재미있다.",
    "밥은 먹고 다니니?",
    "회의가 길어져서 늦었습니다.",
    "비가 그치면 산책을 가자.",
    "비밀번호를 잊어버렸어요.",
    "배송이 늦어지고 있어요.",
    "그 영화는 다시 보고 싶다.",
    "사람들이 줄을 서서 기다린다.",
    "문제를 풀기가 어렵다.",
    "가격이 너무 비싸요 ㅠㅠ",
    "감사합니다 ㅎㅎ",
    "고양이가 창가에서 잔다.",
    "새로 산 신발이 편하다.",
    "커피 좀 마시고 싶다.",
    "서비스가 별로였어요!",
    "나무가 바람에 흔들린다.",
    "어디로 갈지 아직 정하지 못했다.",
    "그 사람은 아무 말도 하지 않았다.",
    "정말 수고 많으셨습니다.",
)


class Example(NamedTuple):
    """A sentence and its entities: start, end (in code points) and kind."""

    sentence: str
    entities: list[tuple[int, int, str]]


def generate(count: int, seed: int, *, held_out: bool = False) -> list[Example]:
    """Return sentences. held_out: with the names that training sentences never have."""
    source = Source(random.Random(seed), held_out)  # noqa: S311 - a reproducible sequence, not a secret
    return [source.example() for _ in range(count)]


class Source:
    """Draws entities and sentences from one sequence of random numbers."""

    def __init__(self, draw: random.Random, held_out: bool) -> None:
        self.draw = draw
        self.held_out = held_out

    def example(self) -> Example:
        """Return a sentence; one in ten has no entity, one in ten is two sentences."""
        if self.draw.random() < 0.1:
            return Example(self.draw.choice(PLAIN), [])
        first = self._filled(self.draw.choice(SENTENCES))
        if self.draw.random() > 0.1:
            return first
        second = self._filled(self.draw.choice(SENTENCES))
        moved = len(first.sentence) + 1
        later = [(start + moved, end + moved, kind) for start, end, kind in second.entities]
        return Example(f"{first.sentence} {second.sentence}", first.entities + later)

    def _filled(self, pattern: str) -> Example:
        text, entities = "", []
        for part in pattern.replace("}", "{").split("{"):
            name, _, particles = part.partition(":")
            if name in KINDS:
                value = getattr(self, f"_{name.lower()}")()
                entities.append((len(text), len(text) + len(value), name))
            elif f"{name}s" in WORDS:
                value = self.draw.choice(WORDS[f"{name}s"])
            else:
                text += part
                continue
            text += value + (_particle(value, particles) if particles else "")
        return Example(text, entities)

    def _half(self, values: list[str]) -> str:
        """Return one of the values for training, every even one, or of those that are held out."""
        return self.draw.choice(values[1::2] if self.held_out else values[::2])

    def _per(self) -> str:
        given = self._half(WORDS["given"]) + (self.draw.choice(WORDS["given"]) if self.draw.random() < 0.9 else "")
        kind = self.draw.random()
        return given if kind < 0.15 and len(given) == 2 else self.draw.choice(WORDS["surnames"]) + given

    def _loc(self) -> str:
        kind = self.draw.random()
        if kind < 0.5:
            return self._half(WORDS["cities"])
        if kind < 0.7:
            return self._half(WORDS["places"])
        if kind < 0.8:
            return self._half(WORDS["countries"])
        return self._half(WORDS["given"]) + self.draw.choice(WORDS["given"]) + self.draw.choice(SUFFIXES)

    def _org(self) -> str:
        kind = self.draw.random()
        if kind < 0.55:
            return self._half(WORDS["firms"]) + self.draw.choice(WORDS["trades"])
        if kind < 0.7:
            return self._half(WORDS["offices"])
        if kind < 0.85:
            return self._half(WORDS["cities"]) + self.draw.choice(WORDS["trades"])
        return f"{self._half(WORDS['firms'])} {self.draw.choice(WORDS['teams'])}"

    def _dat(self) -> str:
        kind, draw = self.draw.random(), self.draw
        month, day = f"{draw.randint(1, 12)}월", f"{draw.randint(1, 31)}일"
        if kind < 0.25:
            return f"{draw.randint(1900, 2035)}년 {month} {day}"
        if kind < 0.5:
            return f"{month} {day}"
        if kind < 0.6:
            return f"{draw.randint(1900, 2035)}년"
        if kind < 0.7:
            return f"{draw.randint(1990, 2035)}-{draw.randint(1, 12):02}-{draw.randint(1, 31):02}"
        return draw.choice(WORDS["weekdays"]) if kind < 0.82 else draw.choice(WORDS["days"]).replace("_", " ")

    def _tim(self) -> str:
        kind, draw = self.draw.random(), self.draw
        if kind < 0.3:
            return f"{draw.randint(0, 23):02}:{draw.randint(0, 59):02}"
        before = draw.choice(("오전 ", "오후 ", "새벽 ", "저녁 ", ""))
        hour = draw.choice(WORDS["native"][:10]) if kind < 0.5 else str(draw.randint(1, 12))
        return f"{before}{hour}{' ' if kind < 0.4 else ''}시" + (f" {draw.randint(1, 59)}분" if kind > 0.7 else "")

    def _dur(self) -> str:
        unit = self.draw.choice(("년", "개월", "주", "일", "시간", "분", "초", "달", "시간 30분"))
        if unit == "달":
            return f"{self.draw.choice(WORDS['native'][:10])} 달"
        return f"{self.draw.randint(1, 60)}{unit}" + self.draw.choice(("", "", "간" if unit != "시간 30분" else ""))

    def _mny(self) -> str:
        kind, draw = self.draw.random(), self.draw
        if kind < 0.4:
            amount = f"{draw.randint(1, 999):,}{draw.choice(('만', '억', '조', '천만', '백만'))}"
            return f"{amount} {draw.choice(('원', '달러'))}"
        if kind < 0.8:
            return f"{draw.randint(1, 9_999) * 100:,}{draw.choice(('원', '달러', '엔', '유로'))}"
        return f"{draw.choice('$€₩')}{draw.randint(1, 99_999):,}"

    def _pnt(self) -> str:
        draw = self.draw
        number = str(draw.randint(1, 100)) if draw.random() < 0.5 else f"{draw.randint(0, 99)}.{draw.randint(1, 9)}"
        return number + draw.choice(("%", "%", "퍼센트", "%포인트"))

    def _noh(self) -> str:
        draw = self.draw
        if draw.random() < 0.3:
            return f"{draw.choice(WORDS['native'])} {draw.choice(WORDS['counters'][:16])}"
        number = draw.choice((draw.randint(1, 99), draw.randint(100, 9_999)))
        return f"{number}{draw.choice(('', '', '여 ', '만 '))}{draw.choice(WORDS['counters'])}"

    def _poh(self) -> str:
        kind, draw = self.draw.random(), self.draw
        if kind < 0.4:
            return f"{self._half(WORDS['works'])}의 {draw.choice(WORDS['works'])}"
        if kind < 0.7:
            return f"{self._half(WORDS['cities'])} {draw.choice(KINDS_OF_WORK)}"
        return f"{self._half(WORDS['works'])} {draw.choice(KINDS_OF_WORK)}"


def _particle(word: str, pair: str) -> str:
    """Return the particle after a word: after a final consonant the first of the pair, but the second of 와/과."""
    closed, opened = pair.split("/")[::-1] if pair == "와/과" else pair.split("/")
    last = ord(word[-1]) - 0xAC00
    final = last % 28 if 0 <= last < 11_172 else 0
    if closed == "으로":
        return opened if final in {0, 8} else closed
    return closed if final else opened


def label_tokens(offsets: list[tuple[int, int]], entities: list[tuple[int, int, str]]) -> list[str]:
    """Return the raw label of each token, from the tokens' places in the text."""
    labels = ["O"] * len(offsets)
    for start, end, kind in entities:
        for place, (begin, stop) in enumerate(offsets):
            if begin < end and start < stop:
                labels[place] = f"{'B' if begin <= start else 'I'}-{kind}"
    return labels
