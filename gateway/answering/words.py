"""Words as the answerers compare them: folded, without endings, and without the words that carry no content."""

import math
import re
import unicodedata
from functools import cache
from pathlib import Path

import connectors

VOCABULARY = Path(connectors.__file__).parent / "data" / "vocab.txt"
COMMON, UNKNOWN = 1_500, 60_000  # places in it
LEAST = 0.3

WORD = re.compile(r"[^\W_]+(?:['’][^\W\d_]+)?")

# Function words, and the words questions are framed with.
FUNCTION_WORDS = {
    "en": """a about after all also am an and any anyone are as at be because been before being between both but by
        can could did do does doing don during each either for from further get give given go got had has have having he
        her here him his how however i if in into is it its itself just know let like many may me might more most much
        must my need no nor not now of off on once one only onto or other ought our out over own per please same
        said say says shall she should show since so some such tell than that the their them then there these
        they this those though through thus to too toward under until up upon us use used very via want was we were what
        whatever when where whether which while who whom whose why will with within without would yes yet you your""",
    "de": """aber alle allen als am an andere auch auf aus bei bin bis bist bitte da damit dann das dass dein deine dem
        den denn der des dich die dies diese diesem diesen dieser dieses dir doch dort du durch ein eine einem einen
        einer eines er es etwas euch für gibt habe haben hat hatte hier ich ihm ihn ihnen ihr ihre im in ist ja jede
        jeder kann kein keine können könnte man mehr mein meine mich mir mit muss müssen nach nicht noch nur ob oder
        ohne sein seine sich sie sind so soll sollte sollten über um und uns unser unsere unter vom von vor wann war
        waren warum was welche welchem welchen welcher welches wem wen wenn wer werden wie wieviel viel viele wieder
        will wir wird wo wurde wurden zu zum zur""",
    "fr": """afin ai alors après au aussi aux avec avez avoir avons bien car ce ceci cela ces cet cette ceux chez comme
        comment dans de depuis des dois doit donc dont du elle elles en encore entre es est et étaient était être eux
        fait faut ici il ils je la le les leur leurs lui ma mais me mes moi mon ne nos notre nous on ont ou où par pas
        peut peux plus pour pourquoi puis qu quand que quel quelle quelles quels qui quoi sa sans se sera ses si son
        sont sous sur ta te tes toi ton tous tout toute toutes très tu un une vos votre vous y""",
    "es": """a al algo ante antes como cómo con cual cuál cuáles cuando cuándo cuanto cuánto cuántos de del desde donde
        dónde durante e el él ella ellas ellos en entre era es esa ese eso esta está están estas este esto estos fue ha
        hay han hasta la las le les lo los más me mi mis mucho muy nada ni no nos nosotros nuestra nuestro o os otra
        otro para pero poco por porque puede puedo que qué quien quién se sea ser si sí sin sobre son su sus también
        tanto te tengo tiene tienen todo todos tu tus un una uno unos y ya yo""",
    "pt": """a ao aos as até com como da das de dela dele do dos e ela elas ele eles em entre era essa esse esta está
        estão este eu foi há isso isto já lhe mais mas me meu minha muito na nas não nem no nos nós nossa nosso o onde
        os ou para pela pelo pode por porque posso quais qual quando quanto quantos que quem se sem ser seu seus só são
        sua suas também te tem têm tenho um uma umas uns você""",
}
GREETINGS = """hi hello hey greetings thanks thank bye goodbye morning hallo guten tag danke bonjour salut merci hola
    gracias olá oi obrigado obrigada"""
# Ending, what takes its place, and the fewest letters that must stay.
ENDINGS = (
    ("ations", "", 4),
    ("ation", "", 4),
    ("ments", "", 4),
    ("ment", "", 4),
    ("ings", "", 4),
    ("ing", "", 4),
    ("edly", "", 4),
    ("ied", "y", 2),
    ("ies", "y", 2),
    ("ed", "", 4),
    ("es", "", 4),
    ("en", "", 4),
    ("er", "", 4),
    ("ly", "", 4),
    ("s", "", 3),
)


def folded(text: str) -> str:
    """Lower case without accents: "Élève" and "eleve" are one word."""
    decomposed = unicodedata.normalize("NFKD", text.casefold().replace("’", "'"))
    return "".join(letter for letter in decomposed if not unicodedata.combining(letter))


NO_CONTENT = frozenset(folded(f"{' '.join(FUNCTION_WORDS.values())} {GREETINGS}").split())


def words(text: str) -> list[str]:
    """Every word, folded, with a possessive or elided part left off."""
    found = []
    for word in WORD.findall(text):
        head, _, tail = folded(word).partition("'")
        # "l'accord" is accord, "Gatehouse's" is gatehouse
        found.append(tail if len(head) <= 2 < len(tail) else head)
    return found


def stem(word: str) -> str:
    """Without a common ending. Crude on purpose: the same word must only come out the same."""
    if word.isdigit() or word.endswith("ss"):
        return word
    for ending, instead, fewest in ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= fewest:
            word = word[: -len(ending)] + instead
            break
    return word.rstrip("e") if len(word) > 3 else word


def content_words(text: str) -> list[str]:
    """Stems of the words that carry content, in order, repeated where they repeat."""
    return [stem(word) for word in words(text) if carries_content(word)]


def carries_content(word: str) -> bool:
    return word not in NO_CONTENT and (len(word) > 1 or word.isdigit())


def weighed_words(text: str) -> dict[str, float]:
    """The same stems with their weights: "parental" says more of what is asked than "week"."""
    return {stem(word): weight(word) for word in words(text) if carries_content(word)}


def weight(word: str) -> float:
    """How rare a word is in English at large, from 0.3; one that is not English is rare."""
    return max(math.log(_places().get(word, UNKNOWN) / COMMON), LEAST)


@cache
def _places() -> dict[str, int]:
    """By word, its place in the vocabulary of the local embedding model, where frequent words come first."""
    lines = VOCABULARY.read_text("utf-8").splitlines()
    return {word: place for place, word in enumerate(lines)}
