"""What goes over the wire, for the OpenAPI pages. Bodies are read by `connectors.strict_json` and `connectors.wire`.

Some fields are called like attributes of a serializer; the framework takes them away before that matters.
"""

from typing import get_args

from rest_framework import serializers as s

from gateway.answering import notices


class Named(s.Serializer[object]):
    id = s.UUIDField()
    title = s.CharField()


class Document(s.Serializer[object]):
    id = s.UUIDField()
    external_id = s.CharField()
    title = s.CharField()
    url = s.CharField(allow_blank=True)
    source = s.CharField()  # type: ignore[assignment]
    attached_to = Named(required=False, help_text="Of a file that came attached to another document: that document.")


class DocumentDetail(Document):
    attachments = Named(many=True)
    mime = s.CharField()
    author = s.CharField()
    language = s.CharField()
    created_at = s.DateTimeField(allow_null=True)
    modified_at = s.DateTimeField(allow_null=True)
    metadata = s.JSONField()


class Documents(s.Serializer[object]):
    results = Document(many=True)
    next_cursor = s.CharField(allow_null=True)


class Heading(s.Serializer[object]):
    level = s.IntegerField()
    title = s.CharField()
    start = s.IntegerField()


class Page(s.Serializer[object]):
    number = s.IntegerField()
    start = s.IntegerField()
    end = s.IntegerField()


class DocumentText(s.Serializer[object]):
    text = s.CharField()
    headings = Heading(many=True)
    pages = Page(many=True)


class Passage(s.Serializer[object]):
    id = s.UUIDField()
    text = s.CharField()
    start = s.IntegerField(help_text="Offset into the document's text, in Unicode code points.")
    end = s.IntegerField()
    heading = s.CharField(allow_blank=True)
    page = s.IntegerField(allow_null=True)


class Hit(s.Serializer[object]):
    document = Document()
    passage = Passage()


class Hits(s.Serializer[object]):
    results = Hit(many=True)


class Filters(s.Serializer[object]):
    source = s.CharField(required=False)  # type: ignore[assignment]
    folder = s.CharField(required=False)
    type = s.CharField(required=False)
    author = s.CharField(required=False)
    modified_after = s.DateTimeField(required=False)
    modified_before = s.DateTimeField(required=False)


class SearchRequest(s.Serializer[object]):
    query = s.CharField()
    limit = s.IntegerField(required=False, min_value=1, max_value=50)
    sources = s.ListField(child=s.CharField(), required=False)
    filters = Filters(required=False)
    mode = s.ChoiceField(choices=["hybrid", "vector", "text"], required=False)


class AskRequest(s.Serializer[object]):
    question = s.CharField(max_length=8000)
    conversation = s.UUIDField(required=False)
    sources = s.ListField(child=s.CharField(), required=False)
    filters = Filters(required=False)
    stream = s.BooleanField(required=False)
    withheld = s.BooleanField(required=False, help_text="Tell what a model wrote and no passage supports, apart.")


class Citation(Hit):
    n = s.IntegerField()


class Table(s.Serializer[object]):
    sql = s.CharField(help_text="Over the approved views; each holds only what its reader may see.")
    columns = s.ListField(child=s.CharField())
    rows = s.ListField(child=s.ListField(child=s.CharField(allow_null=True)))
    more = s.BooleanField(help_text="There are more rows than these.")


class Sentence(s.Serializer[object]):
    text = s.CharField()
    citations = s.ListField(child=s.IntegerField())
    support = s.ChoiceField(choices=["supported", "unsupported"])
    table = Table(required=False, help_text="The rows of a database that the sentence tells.")


class Notice(s.Serializer[object]):
    code = s.ChoiceField(choices=[code for code in get_args(notices.Notice) if code])
    message = s.CharField()


class Missing(s.Serializer[object]):
    parts = s.ListField(child=s.CharField(), help_text="Parts of the question that were not found, word for word.")
    message = s.CharField()


class Part(s.Serializer[object]):
    first = s.IntegerField(help_text="So many passages were read, from the first on.")
    of = s.IntegerField(help_text="So many there are.")


class Extent(Part):
    message = s.CharField()


class HoldsFor(s.Serializer[object]):
    kind = s.ChoiceField(choices=["country", "office", "role"])
    name = s.CharField()
    message = s.CharField()


class General(s.Serializer[object]):
    text = s.CharField(help_text="From no document, uncited and checked by nobody: no part of the answer.")
    message = s.CharField(help_text="Says so: to be shown with it.")


class Unsupported(s.Serializer[object]):
    text = s.CharField(help_text="No passage supports it: not to be relied on.")
    citations = s.ListField(child=s.IntegerField(), help_text="Empty.")
    support = s.ChoiceField(choices=["unsupported"])


class Answer(s.Serializer[object]):
    id = s.UUIDField()
    conversation = s.UUIDField()
    status = s.ChoiceField(choices=["answered", "partial", "not_found", "ambiguous"])
    answer = s.CharField()
    sentences = Sentence(many=True)
    citations = Citation(many=True)
    language = s.CharField()
    model = s.CharField()
    missing = Missing(allow_null=True)
    notice = Notice(allow_null=True)
    options = s.ListField(child=s.CharField(), help_text="Of an ambiguous question: questions that are clear.")
    holds_for = HoldsFor(allow_null=True, help_text="Said where what was found has rules for others, too.")
    general = General(
        allow_null=True, help_text="A model's general knowledge, where it is allowed and nothing was found."
    )
    extent = Extent(required=False, help_text="Of a summary that is not of all of its document.")
    withheld = Unsupported(many=True, required=False, help_text="With `withheld`: no part of the answer.")


class About(s.Serializer[object]):
    document = s.UUIDField(required=False, help_text="Either this or `query`.")
    query = s.CharField(required=False, max_length=8000)
    sources = s.ListField(child=s.CharField(), required=False)
    filters = Filters(required=False)


class SummaryRequest(About):
    conversation = s.UUIDField(required=False)
    stream = s.BooleanField(required=False)
    withheld = s.BooleanField(required=False, help_text="Tell what a model wrote and no passage supports, apart.")


class FactsRequest(About):
    pass


class Fact(s.Serializer[object]):
    kind = s.ChoiceField(choices=["date", "amount", "person"])
    label = s.CharField(allow_blank=True, help_text="What stands before it or above its column.")  # type: ignore[assignment]
    value = s.CharField(help_text="Exactly as it stands in the passage.")
    date = s.CharField(allow_null=True, help_text="ISO 8601; null where it can be read in two ways or has no year.")
    number = s.CharField(allow_null=True, help_text="Null where it can be read in two ways.")
    unit = s.CharField(allow_null=True)
    sentence = s.CharField()
    citation = s.IntegerField()
    start = s.IntegerField(help_text="Offset into the document's text, in Unicode code points.")
    end = s.IntegerField()


class Facts(s.Serializer[object]):
    facts = Fact(many=True)
    citations = Citation(many=True)
    extent = Part(allow_null=True, help_text="Of a document of which not all was read.")
    more = s.BooleanField(help_text="There are more than these.")


class ShownSentence(s.Serializer[object]):
    text = s.CharField(allow_blank=True)
    citations = s.ListField(child=s.IntegerField())
    state = s.ChoiceField(choices=["shown", "withheld", "changed"])
    table = Table(required=False)


class ShownAnswer(s.Serializer[object]):
    id = s.UUIDField()
    question = s.CharField()
    asked_at = s.DateTimeField()
    status = s.CharField()
    language = s.CharField()
    model = s.CharField()
    sentences = ShownSentence(many=True)
    citations = Citation(many=True)
    missing = Missing(allow_null=True)
    holds_for = HoldsFor(allow_null=True)
    general = General(allow_null=True)
    withheld = Unsupported(many=True, required=False, help_text="With `withheld=true`: no part of the answer.")


class ConversationLine(s.Serializer[object]):
    id = s.UUIDField()
    title = s.CharField(help_text="Its own, else its first question.")
    started_at = s.DateTimeField()
    asked_at = s.DateTimeField(help_text="For the last time.")


class ConversationTitle(s.Serializer[object]):
    title = s.CharField(allow_blank=True, max_length=200)


class Conversations(s.Serializer[object]):
    results = ConversationLine(many=True)
    next_cursor = s.CharField(allow_null=True)


class Conversation(ConversationLine):
    questions = ShownAnswer(many=True)


class Share(s.Serializer[object]):
    address = s.EmailField()


class Shares(s.Serializer[object]):
    results = Share(many=True)


class SharedLine(s.Serializer[object]):
    id = s.UUIDField()
    title = s.CharField()
    owner = s.CharField()
    shared_at = s.DateTimeField()


class SharedLines(s.Serializer[object]):
    results = SharedLine(many=True)


class SharedSentence(s.Serializer[object]):
    text = s.CharField()
    citations = s.ListField(child=s.IntegerField())


class SharedAnswer(s.Serializer[object]):
    question = s.CharField()
    asked_at = s.DateTimeField()
    sentences = SharedSentence(many=True)
    citations = Citation(many=True)


class SharedConversation(SharedLine):
    questions = SharedAnswer(many=True)


class FeedbackRequest(s.Serializer[object]):
    verdict = s.ChoiceField(choices=["up", "down"])
    reason = s.ChoiceField(
        choices=["wrong", "incomplete", "out_of_date", "not_asked", "not_for_me"],
        required=False,
        help_text="Of a `down`: what is wrong with it; `not_for_me`: it should not be visible to the asker.",
    )
    comment = s.CharField(required=False, max_length=2000)


class ReportRequest(s.Serializer[object]):
    text = s.CharField(required=False, max_length=1000)


class PrincipalName(s.Serializer[object]):
    id = s.CharField()
    name = s.CharField()
    source = s.CharField(allow_null=True)  # type: ignore[assignment]


class ProfileRequest(s.Serializer[object]):
    language = s.CharField(required=False)
    style = s.CharField(required=False, allow_blank=True, max_length=200)  # type: ignore[assignment]
    standing_instructions = s.CharField(required=False, allow_blank=True, max_length=2000)


class Profile(ProfileRequest):
    email = s.EmailField()
    name = s.CharField()
    country = s.CharField()
    office = s.CharField()
    role = s.CharField()
    department = s.CharField()
    principals = PrincipalName(many=True)
    accounts = PrincipalName(many=True)


class Source(s.Serializer[object]):
    key = s.CharField()
    name = s.CharField()
    kind = s.CharField()
    enabled = s.BooleanField()
    failures = s.IntegerField()
    next_sync_at = s.DateTimeField(allow_null=True)
    permissions_verified_at = s.DateTimeField(allow_null=True)


class Sources(s.Serializer[object]):
    results = Source(many=True)


class SyncRun(s.Serializer[object]):
    source = s.CharField()  # type: ignore[assignment]
    state = s.CharField()
    started_at = s.DateTimeField()
    ended_at = s.DateTimeField(allow_null=True)
    counts = s.DictField(child=s.IntegerField())
    problems = s.ListField(child=s.CharField())


class SyncRuns(s.Serializer[object]):
    results = SyncRun(many=True)
    next_cursor = s.CharField(allow_null=True)


class User(s.Serializer[object]):
    email = s.EmailField()
    name = s.CharField()
    active = s.BooleanField()
    staff = s.BooleanField()
    external = s.BooleanField()


class Users(s.Serializer[object]):
    results = User(many=True)
    next_cursor = s.CharField(allow_null=True)


class AuditEvent(s.Serializer[object]):
    at = s.DateTimeField()
    kind = s.CharField()
    user = s.EmailField(allow_null=True)
    details = s.JSONField()
    hash = s.CharField()


class Audit(s.Serializer[object]):
    results = AuditEvent(many=True)
    next_cursor = s.CharField(allow_null=True)


class Reason(s.Serializer[object]):
    rule = s.CharField(help_text="P1 to P17.")
    text = s.CharField()


class ListedPrincipal(s.Serializer[object]):
    kind = s.CharField(help_text="user, group, everyone or unknown.")
    id = s.CharField()
    name = s.CharField(allow_blank=True)
    source = s.CharField(allow_null=True)  # type: ignore[assignment]


class Step(ListedPrincipal):
    until = s.DateTimeField(allow_null=True, help_text="When the membership that leads to it ends.")


class ClauseFound(s.Serializer[object]):
    clause = s.ChoiceField(choices=["grants", "restriction", "deny"])
    met = s.BooleanField()
    path = Step(many=True)
    until = s.DateTimeField(allow_null=True)
    entries = s.IntegerField()
    some = ListedPrincipal(many=True)
    scopes = s.ListField(child=s.IntegerField())


class ScopeOnTheWay(s.Serializer[object]):
    number = s.IntegerField()
    name = s.CharField(allow_null=True, help_text="Only if the auditor may read it.")
    of_the_document = s.BooleanField()
    introduced = s.BooleanField()
    inherits = s.BooleanField()
    known = s.BooleanField()
    grants = ListedPrincipal(many=True)
    restrictions = s.ListField(child=ListedPrincipal(many=True))
    deny = ListedPrincipal(many=True)


class AuditedDocument(s.Serializer[object]):
    id = s.UUIDField()
    external_id = s.CharField(allow_null=True, help_text="This, title and url: only if the auditor may read it.")
    title = s.CharField(allow_null=True)
    url = s.CharField(allow_null=True)
    source = s.CharField()  # type: ignore[assignment]


class AnswerGiven(s.Serializer[object]):
    question = s.UUIDField()
    asked_at = s.DateTimeField()
    shown = s.BooleanField(help_text="A sentence that rests on the document is still stored.")


class Explanation(s.Serializer[object]):
    user = s.EmailField()
    document = AuditedDocument()
    at = s.DateTimeField()
    decision = s.ChoiceField(choices=["allowed", "denied"])
    rules = s.ListField(child=s.CharField(), help_text="The one that decides comes first.")
    reasons = Reason(many=True)
    accounts = ListedPrincipal(many=True)
    clauses = ClauseFound(many=True)
    scopes = ScopeOnTheWay(many=True)
    state = s.CharField(allow_blank=True)
    break_glass = s.ListField(child=s.IntegerField())
    agrees = s.BooleanField(help_text="False: the facts lead to another decision than is served, which is a defect.")
    answers = AnswerGiven(many=True)


class DocumentsOf(s.Serializer[object]):
    results = AuditedDocument(many=True)
    next_cursor = s.CharField(allow_null=True)


class ReaderLine(s.Serializer[object]):
    email = s.EmailField()
    name = s.CharField(allow_blank=True)


class ReadersOf(s.Serializer[object]):
    results = ReaderLine(many=True)
    next_cursor = s.CharField(allow_null=True)


class Entry(s.Serializer[object]):
    id = s.CharField()
    until = s.DateTimeField(required=False)


class Ids(s.ListField):
    child = s.CharField()


class Access(s.Serializer[object]):
    inherits = s.BooleanField(required=False, default=True)
    grants = Entry(many=True, required=False, help_text="Each an id or {id, until}.")
    restrictions = s.ListField(child=Ids(), required=False)
    deny = Ids(required=False)


class Principal(s.Serializer[object]):
    kind = s.ChoiceField(choices=["user", "group"])
    email = s.CharField(required=False)
    name = s.CharField(required=False)
    members = Entry(many=True, required=False, help_text="Each an id or {id, until}.")
    external = s.BooleanField(required=False, default=True)
    revision = s.IntegerField(required=False, min_value=0)


class Scope(Access):
    name = s.CharField()
    parent = s.CharField(required=False)  # type: ignore[assignment]
    revision = s.IntegerField(required=False, min_value=0)


class PushedDocument(Access):
    title = s.CharField()
    scope = s.CharField(required=False)
    url = s.CharField(required=False)
    mime = s.CharField(required=False)
    text = s.CharField(required=False)
    content_base64 = s.CharField(required=False)
    author = s.CharField(required=False)
    created_at = s.DateTimeField(required=False)
    modified_at = s.DateTimeField(required=False)
    metadata = s.JSONField(required=False)
    version = s.CharField(required=False)
    revision = s.IntegerField(required=False, min_value=0)


class Outcome(s.Serializer[object]):
    id = s.CharField()
    state = s.CharField(help_text="accepted, unchanged, live, pending, stale, unknown or deleted.")


class Noted(s.Serializer[object]):
    state = s.CharField()


class ErrorBody(s.Serializer[object]):
    code = s.CharField()
    message = s.CharField()


class Error(s.Serializer[object]):
    error = ErrorBody()
