"""Which language a text is in, guessed from its commonest small words."""

import re

# Words that are frequent in one language and rare or foreign in the others; shared ones are left out.
STOP_WORDS = {
    "en": "the and of to is are was were what which who how when where why that this with for from you your my our "
    "have has can does do did not it be been will would should must may there their they we if by or as at on",
    "de": "der die das und ist sind nicht ein eine einen einem einer eines den dem des zu zum zur mit von vom für auf "
    "wie wer wann wo warum welche welcher welches ich wir sie ihr ihre unser auch wird werden kann können muss haben "
    "hat bei nach aus oder wenn dass über als im am",
    "fr": "le les des du un une et est sont dans pour que qui quoi quel quelle quels quelles comment quand où pourquoi "
    "je nous vous ils elles avec sur pas ne ce cette ces au aux mon ma mes votre vos notre nos être avoir peut combien",
    "es": "el los las del y es son en que por para con una uno cómo qué cuál cuáles cuándo dónde quién cuánto cuántos "
    "no se su sus al lo como más pero puede debe tiene mi mis nuestra nuestro está están hay ser sobre",
    "pt": "o os do da dos das e é são em que por para com uma um como qual quais quando onde quem quanto não se seu "
    "sua ao aos mais mas pode deve tem meu minha nosso nossa está estão ser sobre pelo pela no na nos nas",
    "it": "il lo gli della del dei delle degli e è sono che per con una uno come quale quali quando dove chi quanto "
    "non si suo sua al alla ai alle più ma può deve ha mio mia nostro nostra essere nel nella di da in un",
    "nl": "de het een en is zijn niet van voor met op wat wie waar wanneer hoe waarom welke ik wij jij je we ze ook "
    "wordt worden kan kunnen moet heeft hebben bij naar uit als dat dit deze die om aan er",
}
LANGUAGES_OF: dict[str, list[str]] = {}
for _language, _words in STOP_WORDS.items():
    for _word in _words.split():
        LANGUAGES_OF.setdefault(_word, []).append(_language)
WORD = re.compile(r"[^\W\d_]+")
SAMPLE = 20_000
# Letters that settle a short question when the small words do not.
LETTERS = {"ß": "de", "ä": "de", "ü": "de", "ñ": "es", "¿": "es", "¡": "es", "ã": "pt", "õ": "pt", "œ": "fr", "ù": "it"}


def guess_language(text: str) -> str:
    """ISO 639-1 code of en, de, fr, es, pt, it or nl; "" when the words do not say."""
    sample = text[:SAMPLE].lower()
    scores = dict.fromkeys(STOP_WORDS, 0.0)
    words = WORD.findall(sample)
    for word in words:
        languages = LANGUAGES_OF.get(word, ())
        for language in languages:
            scores[language] += 1 / len(languages)
    for letter, language in LETTERS.items():
        scores[language] += min(sample.count(letter), max(1, len(words) // 20)) * 0.75
    ranked = sorted(scores, key=scores.__getitem__, reverse=True)
    best, second = scores[ranked[0]], scores[ranked[1]]
    enough = best >= max(1.0, 0.04 * len(words))
    return ranked[0] if enough and best > second else ""
