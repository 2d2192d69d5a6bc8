"""Defects of what shows text: answers while they stream and afterwards, the API and its tokens, Slack."""

from tests.mutants.mutation import mutation

COMPOSING = "gateway/answering/composing.py"
RELEASING = "gateway/answering/releasing.py"
STREAMING = "gateway/answering/streaming.py"
RECORDING = "gateway/answering/recording.py"
CONVERSATIONS = "gateway/conversations.py"
SHARING = "gateway/sharing.py"
EXTRACTING = "gateway/tasks/extracting.py"
GENERAL = "gateway/answering/general.py"
EVIDENCE = "connectors/corpus/evidence.py"
READING = "connectors/corpus/reading.py"
SEARCHING = "connectors/corpus/search.py"
READER = "accounts/reader.py"
AUTHENTICATION = "gateway/api/authentication.py"
TASKS = "gateway/slack/tasks.py"

ANSWERING = "tests/gateway/test_answering.py::"
BY_MODEL = "tests/gateway/test_answering_model.py::"
KEPT = "tests/gateway/test_conversations.py::"
SHARED = "tests/gateway/test_sharing.py::"
GENERALLY = "tests/gateway/test_answering_general.py::"
LEFT_OUT = "tests/gateway/test_left_out.py::"
API = "tests/gateway/api/"
RACES = "tests/security/test_races.py::"
INJECTED = "tests/security/test_injections.py::"
SLACK = "tests/gateway/slack/test_answering.py::"

ANSWERS = (
    mutation(
        "nothing is checked before the prompt",
        "P15",
        ANSWERING + "test_a_passage_lost_after_it_was_found_goes_to_no_answerer_and_the_audit_says_so",
        (
            RELEASING,
            "    return as_it_stands(hits, readable_evidence(reader, pairs_of(hits)))",
            "    return list(hits)",
        ),
    ),
    mutation(
        "the check before the prompt is older than the audit",
        "P15",
        ANSWERING + "test_a_right_lost_while_the_audit_is_written_is_seen_before_anything_goes",
        (RELEASING, "        permitted = _readable(asked.reader, audited)", "        permitted = audited"),
    ),
    mutation(
        "a flush is not checked",
        "P15",
        ANSWERING + "test_a_right_lost_after_the_citation_keeps_its_sentence_back",
        (STREAMING, "            if not evidence_of(draft) <= self._readable:", "            if False:"),
    ),
    mutation(
        "what was shown is not taken back",
        "P15",
        ANSWERING + "test_a_right_lost_between_two_flushes_withdraws_the_sentence_and_everything_after_it",
        (STREAMING, "            if not evidence_of(stored.draft) <= readable:", "            if False:"),
    ),
    mutation(
        "the whole answer is not checked at its end",
        "P15",
        RACES + "test_nothing_is_late_wherever_the_change_commits[revoke-extractive]",
        (
            STREAMING,
            "            await in_thread(self.store, self._status)\n"
            "            context = pairs_of(self.found) | self.left_out.context\n"
            "            async for withdrawal in self._settled(NOTHING | context):\n"
            "                yield withdrawal\n",
            "            await in_thread(self.store, self._status)\n",
        ),
    ),
    mutation(
        "nobody watches while the model is silent",
        "P15",
        BY_MODEL + "test_a_stream_withdraws_while_its_model_is_silent",
        (
            STREAMING,
            "    if not model.name():\n        return nullcontext()",
            "    if True:\n        return nullcontext()",
        ),
    ),
    mutation(
        "the stream of a person who is deactivated goes on",
        "P1 P15",
        ANSWERING + "test_a_reader_who_is_deactivated_loses_the_running_stream",
        (STREAMING, "            if not now.active:", "            if False:"),
    ),
    mutation(
        "text that was taken out meanwhile is shown for the first time",
        "P16",
        RACES + "test_nothing_is_late_wherever_the_change_commits[text-extractive]",
        (
            RELEASING,
            ' for pair, state in holds_evidence(reader, evidence).items() if state == "held")',
            " for pair, state in holds_evidence(reader, evidence).items())",
        ),
    ),
    mutation(
        "what goes to an answerer is not audited",
        "P15",
        BY_MODEL + "test_the_passages_are_audited_before_the_model_is_called",
        (RECORDING, '        audit.record("answer.context"', '        (lambda *_, **__: None)("answer.context"'),
    ),
    mutation(
        "facts are shown of what was lost while they were found",
        "P15",
        "tests/gateway/tasks/test_extracting.py::test_what_is_lost_while_it_is_read_is_left_out",
        (
            EXTRACTING,
            "    shown = as_it_stands(telling, readable_evidence(reader, pairs_of(telling)))\n",
            "    shown = telling\n",
        ),
    ),
    mutation(
        "what is said of general knowledge is asked with an answer that was given before",
        "P15 P16",
        GENERALLY + "test_the_questions_it_leans_on_go_with_it_and_no_answer",
        (
            GENERAL,
            '    earlier = "\\n".join(asked.earlier if leans_back(asked.text) else ())\n',
            '    earlier = "\\n".join((*asked.earlier, *asked.shown))\n',
        ),
    ),
    mutation(
        "a model's general knowledge is given the passages that were found",
        "P14 P16",
        GENERALLY + "test_nothing_of_the_passages_is_asked_where_nothing_stands_of_what_was_written_of_them",
        (STREAMING, "await general.paragraph(asked)", "await general.paragraph(_with(asked, hits))"),
        (
            STREAMING,
            "def _is_out_of_reach(",
            "def _with(asked: Asked, hits: Sequence[Hit]) -> Asked:\n"
            '    return replace(asked, text="\\n".join([asked.text, *(hit.text for hit in hits)]))\n\n\n'
            "def _is_out_of_reach(",
        ),
    ),
    mutation(
        "whom an answer holds for is told though the other rule may not be read any more",
        "P14 P16",
        "tests/gateway/test_situation.py::test_it_is_not_told_once_either_may_not_be_read[portuguese]",
        (
            CONVERSATIONS,
            '        if stored is None or self._state(_context(stored)) != "shown":\n',
            "        if stored is None:\n",
        ),
    ),
    mutation(
        "one document that may be read stands for all",
        "P9 P16",
        KEPT + "test_a_sentence_whose_document_was_lost_is_withheld_and_the_rest_stays_numbered_anew",
        (
            READING,
            "    return set(Document.objects.visible_to(reader).filter(public_id__in=ids)",
            "    if Document.objects.visible_to(reader).filter(public_id__in=ids).exists():\n        return set(ids)\n"
            "    return set(Document.objects.visible_to(reader).filter(public_id__in=ids)",
        ),
    ),
    mutation(
        "a sentence rests on nothing but what its mark names, whatever words it has",
        "P16",
        INJECTED + "test_words_of_a_document_that_others_may_not_read_do_not_reach_them_under_a_mark_of_one_they_may",
        (COMPOSING, "            besides.append(hit)\n", ""),
    ),
    mutation(
        "words are carried past readers and checks in characters nobody sees",
        "P16",
        "tests/gateway/test_answering_drafts.py::test_nothing_but_plain_text_is_left",
        ("gateway/answering/drafts.py", '    text = INVISIBLE.sub("", text)\n', ""),
    ),
)

OLD_ANSWERS = (
    mutation(
        "old answers are not checked",
        "P15 P16",
        KEPT + "test_a_sentence_whose_document_was_lost_is_withheld_and_the_rest_stays_numbered_anew",
        (CONVERSATIONS, "        if not pairs or None in states or missing:", "        if not pairs:"),
        (CONVERSATIONS, 'if self._states[pair] == "held"]', "if pair in self._passages]"),
    ),
    mutation(
        "one passage that may be read is enough for a sentence",
        "P16",
        KEPT + "test_a_sentence_needs_every_passage_it_rests_on",
        (
            CONVERSATIONS,
            "        if not pairs or None in states or missing:",
            "        if not pairs or set(states) == {None} or missing:",
        ),
        (CONVERSATIONS, 'if self._states[pair] == "held"]', 'if self._states.get(pair) == "held"]'),
    ),
    mutation(
        "evidence of a document that was lost has merely changed",
        "P16",
        KEPT + "test_evidence_that_is_deleted_withholds_the_sentence",
        (EVIDENCE, "for pair in pairs if pair[0] in readable}", "for pair in pairs}"),
    ),
    mutation(
        "anybody may open a stored answer",
        "P14 P16",
        KEPT + "test_somebody_elses_question_is_as_unknown_as_none",
        (
            CONVERSATIONS,
            "    return Question.objects.filter(conversation__owner=reader.asker.user_id)",
            "    return Question.objects.all()",
        ),
    ),
    mutation(
        "what a model made up is shown whatever became of what it was given",
        "P16",
        LEFT_OUT + "test_it_is_gone_with_any_passage_its_writer_was_given",
        (CONVERSATIONS, 'whole = stored and self._state(_context(stored)) == "shown"', "whole = stored is not None"),
    ),
    mutation(
        "what is shared with somebody is shared with everybody",
        "P16",
        SHARED + "test_only_whom_it_is_shared_with_sees_it_until_it_is_taken_back",
        (
            SHARING,
            "        reader=reader.asker.user_id,\n        reader__is_active=True,",
            "        reader__is_active=True,",
        ),
    ),
    mutation(
        "others see sentences that are no longer said",
        "P16",
        SHARED + "test_rights_gained_and_lost_hold_at_once_and_changed_sentences_are_never_for_others",
        (
            CONVERSATIONS,
            'if self._state([_pair(each) for each in stored.evidence.all()]) == "shown":',
            'if self._state([_pair(each) for each in stored.evidence.all()]) != "withheld":',
        ),
    ),
    mutation(
        "a person who left goes on sharing",
        "P1",
        SHARED + "test_it_ends_while_either_of_them_is_deactivated",
        (SHARING, "        conversation__owner__is_active=True,\n", ""),
    ),
    mutation(
        "anybody may go on with a conversation",
        "P14 P16",
        ANSWERING + "test_a_foreign_and_an_unknown_conversation_are_refused_alike",
        (
            RECORDING,
            "Conversation.objects.filter(pk=conversation_id, owner=person)",
            "Conversation.objects.filter(pk=conversation_id)",
        ),
    ),
)

AUDIENCES = (
    mutation(
        "an audience forgets who nobody can identify",
        "P10",
        "tests/connectors/test_audience.py::test_with_somebody_unidentified_it_reads_what_everyone_alone_opens",
        (READER, ' *["?"] * self.unidentified,', ""),
    ),
    mutation(
        "an audience forgets who is from outside",
        "P10",
        "tests/connectors/test_audience.py::test_with_somebody_from_outside_it_reads_nothing",
        (READER, ', *["!"] * self.outside]', "]"),
    ),
)

PROGRAMS = (
    mutation(
        "the API reads as the person and forgets the token",
        "P11",
        API + "test_documents.py::test_a_token_reads_no_more_than_its_sources",
        (
            AUTHENTICATION,
            "Reader(person_of(request).pk, token.pk if token else NO_TOKEN)",
            "Reader(person_of(request).pk, NO_TOKEN)",
        ),
    ),
    mutation(
        "a token does what its verbs leave out",
        "P11",
        API + "test_authentication.py::test_a_token_without_the_verb_is_refused_before_anything_is_looked_up",
        (AUTHENTICATION, "        return verb_of(view) in verbs_of(request)", "        return True"),
    ),
    mutation(
        "the token of a person who left is good",
        "P1 P11",
        API + "test_authentication.py::test_expired_and_revoked_tokens_and_those_of_people_who_left_are_401",
        ("accounts/tokens.py", " or not token.user.may_sign_in:", ":"),
    ),
    mutation(
        "a token pushes to sources it does not name",
        "P11 P18",
        "tests/gateway/api/test_pushing.py::test_a_source_deleted_and_made_again_is_not_the_one_a_token_names",
        (
            "gateway/api/pushing.py",
            "Source.objects.filter(directory__in=token.directories.all())",
            "Source.objects.all()",
        ),
    ),
    mutation(
        "an unknown source in a filter means every source",
        "P18",
        ANSWERING + "test_a_source_nobody_knows_answers_nothing",
        (
            SEARCHING,
            "        if not isinstance(self.sources, AnySource):\n",
            "        if not isinstance(self.sources, AnySource) and Directory.objects.filter(key__in=self.sources):\n",
        ),
    ),
    mutation(
        "a hidden document is forbidden where an unknown one is not there",
        "P14",
        API + "test_documents.py::test_a_hidden_document_is_not_told_from_an_unknown_one",
        (
            "gateway/api/documents.py",
            "        if document is None:\n            raise Http404\n",
            "        if document is None:\n"
            "            from django.core.exceptions import PermissionDenied\n\n"
            "            from connectors.corpus.wall import as_owner\n"
            "            from connectors.models import Document as Stored\n\n"
            "            with as_owner():\n"
            "                if Stored.past_the_guard.filter(public_id=id).exists():\n"
            "                    raise PermissionDenied\n"
            "            raise Http404\n",
        ),
    ),
    mutation(
        "somebody else's conversation is forbidden where an unknown one is not there",
        "P14",
        API + "test_asking.py::test_a_conversation_is_one_person_s_own",
        (
            "gateway/api/conversations.py",
            "    if line is None or answers is None:\n        raise Http404\n",
            "    if line is None or answers is None:\n"
            "        from django.core.exceptions import PermissionDenied\n\n"
            "        from gateway.models import Conversation as Stored\n\n"
            "        if Stored.objects.filter(pk=id).exists():\n"
            "            raise PermissionDenied\n"
            "        raise Http404\n",
        ),
    ),
    mutation(
        "whoever runs the system may ask why others may read",
        "P12",
        API + "test_explaining.py::test_others_find_nothing_there",
        (
            "gateway/api/explaining.py",
            "if allowed and not request.user.is_auditor:",
            "if allowed and not (request.user.is_auditor or request.user.is_staff):",
        ),
    ),
)

CHANNELS = (
    mutation(
        "a channel is answered from what the asker reads",
        "P10",
        SLACK + "test_a_channel_is_told_what_each_of_its_members_may_read",
        (
            TASKS,
            "            return asked, audience_of(client(), asked, user)",
            "            return asked, Reader(user.pk)",
        ),
    ),
    mutation(
        "where it is not known who is in a channel it is answered openly",
        "P10 P18",
        SLACK + "test_a_channel_of_very_many_is_answered_to_the_asker_alone",
        (TASKS, "    return replace(asked, openly=False), Reader(user.pk)", "    return asked, Reader(user.pk)"),
    ),
    mutation(
        "members of a channel whom nobody can identify are not there",
        "P10",
        SLACK + "test_with_somebody_nobody_can_identify_it_is_told_what_everyone_may_read",
        ("gateway/slack/channels.py", 'unidentified="unidentified" in unlinked', "unidentified=False"),
    ),
    mutation(
        "a member who was deactivated is somebody nobody can identify",
        "P1 P10",
        SLACK + "test_a_member_who_was_deactivated_widens_nothing",
        (
            "accounts/identity.py",
            "    return link.user if link is not None else None\n",
            "    return link.user if link is not None and link.user.may_sign_in else None\n",
        ),
    ),
    mutation(
        "an answer goes to an account that is no longer the asker's",
        "P13",
        SLACK + "test_an_answer_is_not_posted_to_an_account_whose_link_was_ended",
        (
            "accounts/identity.py",
            "            account__deleted_at=None,\n            ended_at=None,\n",
            "            account__deleted_at=None,\n",
        ),
    ),
)

MUTATIONS = (*ANSWERS, *OLD_ANSWERS, *AUDIENCES, *PROGRAMS, *CHANNELS)
