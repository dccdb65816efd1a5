"""What the reader learns from and what it is given: `eval/reader/`, as far as it needs no torch."""

import random
import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[1] / "eval" / "reader"))

from documents import Asked, Document, join_penn
from fiction import Fiction
from groups import Choice, DocumentGroups, FictionGroups, Group, find_tokens
from spoil import Names, ask_in_place, shared_items, spoil
from stories import keeps_out_stories, read_stories, story_groups

from qa.read import Excerpt, Inputs


@pytest.mark.parametrize(
    ("penn", "text"),
    [
        ("It cost $ 4 million -LRB- in 2007 -RRB- .", "It cost $4 million (in 2007)."),
        ("`` He did n't , '' she said .", '"He didn\'t," she said.'),
        ("Indra 's forehead , 30 % of it", "Indra's forehead, 30% of it"),
    ],
)
def test_text_is_joined_as_it_was_before_penn_cut_it(penn, text):
    assert join_penn(penn)[0] == text


def test_an_answer_is_found_again_after_its_sentence_was_joined():
    penn = "Kāla -LRB- time -RRB- is `` eternal '' , they say ."
    joined, moved = join_penn(penn)
    for word in ("time", "eternal", "they say"):
        start = penn.index(word)
        assert joined[moved[start] : moved[start + len(word) - 1] + 1] == word


def test_a_prepared_group_says_which_tokens_answer():
    inputs = Inputs()
    said = Excerpt("Trade rose to $4.2 billion.", "12 March 2031 · Trade", "Before.", "After that.")
    group = Group("test", "How far did trade rise?", (Choice(Excerpt("No.")), Choice(said, True, 14, 26)))
    row = group.to_json(inputs)
    assert row["right"] == 1
    first, last = row["span"]
    whole = inputs.build_all(group.question, [said])[0]
    left, right = whole.offsets[first - whole.first][0], whole.offsets[last - whole.first][1]
    assert said.sentence[left:right] == "$4.2 billion"
    assert row["rows"][1] == {"ids": whole.ids, "roles": whole.roles}


def test_an_answer_that_was_cut_off_has_no_tokens():
    whole = Inputs().build_all("Lamp?", [Excerpt("lamp " * 200)])[0]
    assert find_tokens(whole, 5 * 199, 5 * 199 + 4) is None
    assert find_tokens(whole, 5, 9) == (whole.first + 1, whole.first + 1)


def test_only_what_question_and_sentence_share_outside_the_answer_is_spoiled():
    sentence = "In 1896 Proust published 12 pieces in Paris."
    question = "How many pieces did Proust publish in 1896?"
    items = shared_items(question, sentence, (sentence.index("12"), sentence.index("12") + 2))
    assert sorted(items) == ["1896", "Proust"]
    spoiled = spoil(sentence, "1896", Names(["In Rome, Verdi sang."]), random.Random(1))
    assert "1896" not in spoiled
    assert "Proust published 12" in spoiled


def test_a_question_asked_in_place_has_no_word_of_its_answer():
    sentence = "The museum of modern lamps reopened its doors to visitors in 1994 after long repairs."
    start = sentence.index("1994")
    question = ask_in_place(sentence, (start, start + 4), random.Random(3))
    assert question
    assert "1994" not in question
    assert " year" in question


def test_every_made_up_value_stands_where_it_is_said_to_stand():
    fiction = Fiction(seed=4)
    for family in range(len(fiction.families)):
        values = fiction.values()
        for told in fiction.write(family, values).told:
            for slot, (start, end) in told.places.items():
                said = told.text[start:end].lower()
                assert said == values[slot].lower() or slot in "YZ"


def test_made_up_groups_mark_the_answer_and_the_same_seed_gives_the_same():
    first, second = (FictionGroups(seed=5).each() for _ in range(2))
    for _ in range(200):
        group = next(first)
        assert group == next(second)
        right = [choice for choice in group.choices if choice.answers]
        assert len(right) == (group.kind == "fiction")
        assert all(choice.excerpt.sentence[choice.start : choice.end] for choice in right)


def test_a_group_whose_question_is_spoiled_has_no_answer():
    sentences = [f"In {1900 + i} the town of Lampburg counted {i + 3} new lamps near Bolt." for i in range(12)]
    document = Document("d", "Lamps", sentences=sentences, blocks=[0] * 12)
    document.asked = [
        Asked(
            f"How many new lamps did Lampburg count in {1900 + i}?", i, text.index("counted ") + 8, text.index(" new")
        )
        for i, text in enumerate(sentences)
    ]
    groups = list(DocumentGroups([document], seed=6).each("test"))
    assert {group.kind for group in groups} > {"test"}
    for group in groups:
        assert sum(choice.answers for choice in group.choices) == (group.kind == "test")


# stories


def test_every_story_is_read_with_nearly_all_of_its_questions():
    stories = read_stories()
    assert len(stories) == len({story.id for story in stories}) == 590
    questions = [question for story in stories for question in story.questions]
    assert len(questions) > 0.98 * 590 * 12
    assert 0.55 < sum(question.end > 0 for question in questions) / len(questions) < 0.7


def test_an_answer_lies_in_its_sentence_and_a_row_has_its_headings_before_it():
    for story in read_stories():
        for question in story.questions:
            sentence = story.sentences[question.place]
            assert 0 <= question.start <= question.end <= len(sentence)
            if sentence.startswith("|") and question.place:
                assert (
                    story.excerpt(question.place).before.startswith("|")
                    or "|" not in story.sentences[question.place - 1]
                )


def test_a_story_that_is_kept_out_is_so_with_all_its_articles():
    taught, held = keeps_out_stories(read_stories())
    assert taught
    assert held
    assert {story.of for story in taught}.isdisjoint(story.of for story in held)


def test_a_group_has_the_answer_once_or_none_and_the_same_seed_makes_the_same_groups():
    stories = read_stories()
    groups = [group for group, _ in zip(story_groups(stories, seed=3), range(200), strict=False)]
    assert groups == [group for group, _ in zip(story_groups(stories, seed=3), range(200), strict=False)]
    for group in groups:
        assert sum(choice.answers for choice in group.choices) == (group.kind == "story")
        assert len(group.choices) >= 4
