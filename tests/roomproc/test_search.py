"""Search of the log: what is found, that it follows the log, and that what is typed is never syntax."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from roomproc import history, search
from roomproc.history import History
from roomproc.search import SearchIndex
from roomproc.staged import Work
from wire.messages import Line, Topic


class Both:
    def __init__(self, folder, *, together=False):
        self.at = 7 if together else None
        self.log, self.index_path = folder / "log.sqlite3", folder / "search.sqlite3"
        self.history = History(self.log, "process")
        self.seq = self.history.open(1_000).seq
        self.index = SearchIndex(self.index_path, self.log)

    def say(self, *texts):
        work = Work()
        for text in texts:
            self.seq += 1
            work.add(Line(seq=self.seq, at=self.at or self.seq, sender="ann", text=text))
        self.history.commit(work)

    def find(self, text, before=2**53, limit=10):
        while self.index.catch_up():
            pass
        lines, more = self.index.find(text, before, limit)
        return [line.seq for line in lines], more


@pytest.fixture(params=["a row each", "a row for many"])
def both(tmp_path, request, monkeypatch):
    monkeypatch.setattr(history, "TOGETHER", 1)
    return Both(tmp_path, together=request.param == "a row for many")


def test_all_words_without_case_and_accents_and_beginnings_where_asked(both):
    both.say("The café is open", "cafe closed", "open the door", "opening hours of the cafe")
    assert both.find("CAFE") == ([1, 2, 4], False)
    assert both.find("cafe open") == ([1], False)
    assert both.find("cafe open*") == ([1, 4], False)
    assert both.find("nothing") == ([], False)


def test_the_newest_first_in_pages(both):
    both.say(*["ping"] * 7)
    assert both.find("ping", limit=3) == ([5, 6, 7], True)
    assert both.find("ping", before=5, limit=3) == ([2, 3, 4], True)
    assert both.find("ping", before=2, limit=3) == ([1], False)


def test_rounds_are_stored_while_lines_are_indexed_and_forgotten(both, monkeypatch):
    both.history._db.execute("PRAGMA busy_timeout = 0")
    texts = SearchIndex._said

    def while_stored(index, after, upto):
        for said in texts(index, after, upto):
            yield said
            both.say("meanwhile")

    monkeypatch.setattr(SearchIndex, "_said", while_stored)
    both.say("one", "two")
    both.index.catch_up()
    both.index.forget(2)
    monkeypatch.undo()
    assert both.find("one") == ([], False)
    assert both.find("meanwhile") == ([3, 4, 5], False)


def test_it_follows_the_log_in_batches(both, monkeypatch):
    monkeypatch.setattr(search, "BATCH", 3)
    both.say(*["one"] * 8)
    assert both.index.catch_up()
    assert both.find("one")[0] == list(range(1, 9))
    both.say("two")
    assert both.find("two") == ([9], False)


def test_where_a_batch_ends_in_the_middle_of_a_row(both, monkeypatch):
    monkeypatch.setattr(search, "BATCH", 50)
    both.say(*["one"] * 300)
    assert both.find("one", limit=400)[0] == list(range(1, 301))
    both.index.forget(77)
    assert both.find("one", limit=400)[0] == list(range(77, 301))
    assert both.index.find("one", 100, 5) == (both.history.after(94, 5), True)


def test_topics_are_not_lines(both):
    work = Work()
    work.add(Topic(seq=1, at=1, sender="ann", topic="chess"))
    both.history.commit(work)
    assert both.find("chess") == ([], False)


@pytest.mark.parametrize(
    "text",
    ['"', '""', "a OR b", "NEAR(a b)", "text:x", "x*", "-x", "^x", "a AND", "(", "'; DROP TABLE words; --", "\0"],
)
def test_syntax_is_only_words(both, text):
    both.say("harmless")
    assert both.find(text)[1] is False


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=200)
@given(st.text(max_size=40))
def test_no_text_breaks_the_query(both, text):
    both.find(text)


def test_what_retention_drops_is_no_longer_in_the_index(both):
    both.say("secret", "secret", "public")
    both.find("secret")
    both.index.forget(3)
    assert both.history.drop_before(3, 1) == 2
    assert both.history.drop_before(3, 10) == 3
    assert both.find("secret") == ([], False)
    assert both.find("public") == ([3], False)


def test_an_index_of_another_epoch_is_made_again(both):
    both.say("old", "old")
    both.find("old")
    both.history._db.execute("DELETE FROM entries")
    both.history._db.execute("UPDATE facts SET value = 77 WHERE name = 'epoch'")
    both.seq = 0
    both.say("new")
    assert both.find("old") == ([], False)
    assert both.find("new") == ([1], False)
