"""What the gateway says of an answer beside it: that no model wrote it, and why; in the reader's language."""

from typing import Literal

Notice = Literal[
    "",
    "model_unavailable",
    "over_budget",
    "kept_from_model",
    "left_out_of_model",
    "other_language",
    "picked",
    "foreign",
]

UNAVAILABLE = {
    "en": "The language model did not answer.",
    "de": "Das Sprachmodell hat nicht geantwortet.",
    "fr": "Le modèle de langage n’a pas répondu.",
    "es": "El modelo de lenguaje no ha respondido.",
    "pt": "O modelo de linguagem não respondeu.",
    "it": "Il modello linguistico non ha risposto.",
    "nl": "Het taalmodel heeft niet geantwoord.",
}
OVER_BUDGET = {
    "en": "Today’s budget for the language model is used up; a new day begins at midnight UTC.",
    "de": "Das heutige Budget für das Sprachmodell ist aufgebraucht; der neue Tag beginnt um Mitternacht UTC.",
    "fr": "Le budget du jour pour le modèle de langage est épuisé ; un nouveau jour commence à minuit UTC.",
    "es": "El presupuesto de hoy para el modelo de lenguaje está agotado; el nuevo día empieza a medianoche UTC.",
    "pt": "O orçamento de hoje para o modelo de linguagem está esgotado; o novo dia começa à meia-noite UTC.",
    "it": "Il budget di oggi per il modello linguistico è esaurito; il nuovo giorno inizia a mezzanotte UTC.",
    "nl": "Het budget van vandaag voor het taalmodel is op; de nieuwe dag begint om middernacht UTC.",
}
KEPT = {
    "en": "What was found may not be sent to the language model.",
    "de": "Das Gefundene darf nicht an das Sprachmodell geschickt werden.",
    "fr": "Ce qui a été trouvé ne peut pas être envoyé au modèle de langage.",
    "es": "Lo encontrado no puede enviarse al modelo de lenguaje.",
    "pt": "O que foi encontrado não pode ser enviado ao modelo de linguagem.",
    "it": "Ciò che è stato trovato non può essere inviato al modello linguistico.",
    "nl": "Wat is gevonden mag niet naar het taalmodel worden gestuurd.",
}
LEFT_OUT = {
    "en": "Some of what was found may not be sent to the language model; this answer is made without it.",
    "de": "Ein Teil des Gefundenen darf nicht an das Sprachmodell geschickt werden; diese Antwort kommt ohne ihn aus.",
    "fr": "Une partie de ce qui a été trouvé ne peut pas être envoyée au modèle de langage ; cette réponse s’en passe.",
    "es": "Parte de lo encontrado no puede enviarse al modelo de lenguaje; esta respuesta prescinde de ello.",
    "pt": "Parte do que foi encontrado não pode ser enviada ao modelo de linguagem; esta resposta dispensa-a.",
    "it": "Parte di ciò che è stato trovato non può essere inviata al modello linguistico; "
    "questa risposta ne fa a meno.",
    "nl": "Een deel van wat is gevonden mag niet naar het taalmodel worden gestuurd; "
    "dit antwoord is zonder dat gemaakt.",
}
OTHER_LANGUAGE = {
    "en": "What the language model wrote is in another language than the documents, and could not be checked.",
    "de": "Was das Sprachmodell schrieb, ist in einer anderen Sprache als die Dokumente und ließ sich nicht prüfen.",
    "fr": "Le texte du modèle de langage est dans une autre langue que les documents et n’a pas pu être vérifié.",
    "es": "Lo que escribió el modelo de lenguaje está en otro idioma que los documentos y no se pudo comprobar.",
    "pt": "O que o modelo de linguagem escreveu está noutra língua que a dos documentos e não pôde ser verificado.",
    "it": "Il testo del modello linguistico è in una lingua diversa da quella dei documenti "
    "e non si è potuto verificare.",
    "nl": "Wat het taalmodel schreef is in een andere taal dan de documenten en kon niet worden gecontroleerd.",
}
WORD_FOR_WORD = {
    "en": "These sentences are picked from the documents word for word.",
    "de": "Diese Sätze sind wörtlich den Dokumenten entnommen.",
    "fr": "Ces phrases sont reprises mot pour mot des documents.",
    "es": "Estas frases están tomadas de los documentos palabra por palabra.",
    "pt": "Estas frases foram retiradas dos documentos palavra por palavra.",
    "it": "Queste frasi sono riprese dai documenti parola per parola.",
    "nl": "Deze zinnen zijn woord voor woord uit de documenten overgenomen.",
}
FOREIGN = {
    "en": "The documents are in another language; their sentences stand here word for word.",
    "de": "Die Dokumente sind in einer anderen Sprache; ihre Sätze stehen hier wörtlich.",
    "fr": "Les documents sont dans une autre langue ; leurs phrases sont reprises ici mot pour mot.",
    "es": "Los documentos están en otro idioma; sus frases figuran aquí palabra por palabra.",
    "pt": "Os documentos estão noutra língua; as suas frases figuram aqui palavra por palavra.",
    "it": "I documenti sono in un’altra lingua; le loro frasi sono riportate qui parola per parola.",
    "nl": "De documenten zijn in een andere taal; hun zinnen staan hier woord voor woord.",
}
PICKED = {
    "en": "These sentences are picked from what was read, word for word; no language model wrote them.",
    "de": "Diese Sätze sind dem Gelesenen wörtlich entnommen; kein Sprachmodell hat sie geschrieben.",
    "fr": "Ces phrases sont tirées mot pour mot de ce qui a été lu ; aucun modèle de langage ne les a écrites.",
    "es": "Estas frases están tomadas palabra por palabra de lo leído; ningún modelo de lenguaje las ha escrito.",
    "pt": "Estas frases foram retiradas palavra por palavra do que foi lido; nenhum modelo de linguagem as escreveu.",
    "it": "Queste frasi sono riprese parola per parola da ciò che è stato letto; "
    "nessun modello linguistico le ha scritte.",
    "nl": "Deze zinnen zijn woord voor woord gekozen uit wat is gelezen; geen taalmodel heeft ze geschreven.",
}
SENTENCES = {
    "model_unavailable": UNAVAILABLE,
    "over_budget": OVER_BUDGET,
    "kept_from_model": KEPT,
    "left_out_of_model": LEFT_OUT,
    "other_language": OTHER_LANGUAGE,
    "picked": PICKED,
    "foreign": FOREIGN,
}
PART = {
    "en": "Made from the first {read} of {of} sections of the document.",
    "de": "Gemacht aus den ersten {read} von {of} Abschnitten des Dokuments.",
    "fr": "Fait à partir des {read} premières sections du document, sur {of}.",
    "es": "Hecho con las primeras {read} de las {of} secciones del documento.",
    "pt": "Feito a partir das primeiras {read} de {of} secções do documento.",
    "it": "Fatto con le prime {read} delle {of} sezioni del documento.",
    "nl": "Gemaakt van de eerste {read} van de {of} delen van het document.",
}
GENERAL = {
    "en": "From the language model’s general knowledge, not from your organisation’s documents. Nobody has checked it.",
    "de": "Aus dem Allgemeinwissen des Sprachmodells, nicht aus den Dokumenten Ihrer Organisation. "
    "Niemand hat es geprüft.",
    "fr": "Tiré des connaissances générales du modèle de langage, et non des documents de votre organisation. "
    "Personne ne l’a vérifié.",
    "es": "Del conocimiento general del modelo de lenguaje, no de los documentos de su organización. "
    "Nadie lo ha comprobado.",
    "pt": "Do conhecimento geral do modelo de linguagem, não dos documentos da sua organização. Ninguém o verificou.",
    "it": "Dalle conoscenze generali del modello linguistico, non dai documenti della sua organizzazione. "
    "Nessuno lo ha verificato.",
    "nl": "Uit de algemene kennis van het taalmodel, niet uit de documenten van uw organisatie. "
    "Niemand heeft het gecontroleerd.",
}
OF_THEMSELVES = frozenset(
    {"left_out_of_model", "picked", "foreign"}
)  # say all there is to say of where sentences come from


def told(notice: Notice, language: str, *, has_sentences: bool) -> str:
    """The notice in words; "" when there is none. `language`: one the gateway speaks."""
    if not notice or (notice in ("picked", "foreign") and not has_sentences):
        return ""
    why = SENTENCES[notice][language]
    verbatim = has_sentences and notice not in OF_THEMSELVES
    return f"{why} {WORD_FOR_WORD[language]}" if verbatim else why


def told_part(read: int, of: int, language: str) -> str:
    """That not all of a document was read."""
    return PART[language].format(read=read, of=of)


def told_general(language: str) -> str:
    """What stands above a model's general knowledge. `language`: one the gateway speaks."""
    return GENERAL[language]
