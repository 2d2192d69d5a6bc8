"""How rows are told in a sentence, cell by cell as the database gave them; and what is said where there are none."""

from collections.abc import Mapping

from gateway.answering.drafts import INVISIBLE
from gateway.answering.phrases import spoken
from gateway.databases.rows import Table

TOLD = 3  # rows that are told in words; more are counted, and stand in the table
LONGEST = 600  # characters of them
NOTHING = "–"

NONE: Mapping[str, str] = {
    "en": "No row that you may read fits.",
    "de": "Keine Zeile, die Sie lesen dürfen, passt dazu.",
    "fr": "Aucune ligne que vous pouvez lire ne correspond.",
    "es": "Ninguna fila que usted puede leer coincide.",
    "pt": "Nenhuma linha que você pode ler corresponde.",
    "it": "Nessuna riga che può leggere corrisponde.",
    "nl": "Geen rij die u mag lezen past hierbij.",
}
ROWS: Mapping[str, str] = {
    "en": "{n} rows",
    "de": "{n} Zeilen",
    "fr": "{n} lignes",
    "es": "{n} filas",
    "pt": "{n} linhas",
    "it": "{n} righe",
    "nl": "{n} rijen",
}
MORE: Mapping[str, str] = {
    "en": "More than {n} rows; these are the first.",
    "de": "Mehr als {n} Zeilen; dies sind die ersten.",
    "fr": "Plus de {n} lignes ; voici les premières.",
    "es": "Más de {n} filas; estas son las primeras.",
    "pt": "Mais de {n} linhas; estas são as primeiras.",
    "it": "Più di {n} righe; queste sono le prime.",
    "nl": "Meer dan {n} rijen; dit zijn de eerste.",
}
FAULTS: Mapping[str, Mapping[str, str]] = {
    "away": {
        "en": "The database that holds this could not be reached just now; please ask again later.",
        "de": "Die Datenbank dazu war gerade nicht erreichbar; bitte fragen Sie später noch einmal.",
        "fr": "La base de données correspondante n’a pas pu être jointe ; veuillez réessayer plus tard.",
        "es": "No se ha podido acceder a la base de datos correspondiente; pregunte de nuevo más tarde.",
        "pt": "A base de dados correspondente não pôde ser acessada; pergunte novamente mais tarde.",
        "it": "Non è stato possibile raggiungere il database; riprovi più tardi.",
        "nl": "De database hiervoor was niet bereikbaar; vraag het later nog eens.",
    },
    "slow": {
        "en": "The database that holds this did not answer in time; a narrower question may help.",
        "de": "Die Datenbank dazu hat nicht rechtzeitig geantwortet; eine engere Frage kann helfen.",
        "fr": "La base de données n’a pas répondu à temps ; une question plus précise peut aider.",
        "es": "La base de datos no ha respondido a tiempo; una pregunta más concreta puede ayudar.",
        "pt": "A base de dados não respondeu a tempo; uma pergunta mais específica pode ajudar.",
        "it": "Il database non ha risposto in tempo; una domanda più precisa può aiutare.",
        "nl": "De database antwoordde niet op tijd; een gerichtere vraag kan helpen.",
    },
    "failed": {
        "en": "The database that holds this could not make sense of the question; other words may help.",
        "de": "Die Datenbank dazu konnte mit der Frage nichts anfangen; andere Worte können helfen.",
        "fr": "La base de données n’a pas pu traiter la question ; d’autres mots peuvent aider.",
        "es": "La base de datos no ha podido interpretar la pregunta; otras palabras pueden ayudar.",
        "pt": "A base de dados não conseguiu interpretar a pergunta; outras palavras podem ajudar.",
        "it": "Il database non ha potuto interpretare la domanda; altre parole possono aiutare.",
        "nl": "De database kon niets met de vraag; andere woorden kunnen helpen.",
    },
}


def told(table: Table, language: str) -> str:
    """One sentence: the rows themselves where they are few, how many there are where they are not."""
    code = spoken(language)
    if not table.rows:
        return NONE[code]
    if table.more:
        return MORE[code].format(n=len(table.rows))
    count = ROWS[code].format(n=len(table.rows))
    if len(table.rows) <= TOLD:
        rows = "; ".join(", ".join(map(_cell, table.columns, row)) for row in table.rows)
        if len(rows) <= LONGEST:
            return f"{rows}." if len(table.rows) == 1 else f"{count}: {rows}."
    return f"{count}." if len(table.rows) > 1 else ONE[code]


ONE: Mapping[str, str] = {
    "en": "One row, in the table.",
    "de": "Eine Zeile, in der Tabelle.",
    "fr": "Une ligne, dans le tableau.",
    "es": "Una fila, en la tabla.",
    "pt": "Uma linha, na tabela.",
    "it": "Una riga, nella tabella.",
    "nl": "Eén rij, in de tabel.",
}


def fault(code: str, language: str) -> str:
    """What is told of a database that did not answer: nothing of what it said itself."""
    return FAULTS[code][spoken(language)]


def _cell(column: str, value: str | None) -> str:
    text = NOTHING if value is None else " ".join(INVISIBLE.sub("", value).split())
    return f"{column.replace('_', ' ')}: {text}"
