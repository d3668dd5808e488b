"""Lesson 13's replay: a reader is paid once, a system is scored as its routes were, and what it refuses."""

from types import SimpleNamespace

import pytest

from course_utils import chat_model, clock, metering, provider
from course_utils.leaderboard import COLUMNS, Leaderboard, Replay, Try, three_bars
from course_utils.settings import CourseError

REQUESTS = [SimpleNamespace(id=f"r-{n}", door="post" if n % 2 else "chat", right=str(n)) for n in range(1, 21)]


def spend(model, dollars, seconds):
    start = clock.now()
    clock.spend(seconds)
    metering.meter.add(metering.Call("chat", model, start, clock.now(), cost=dollars))


def page(request):
    spend("reader", 10.0, 1.0)
    return request.right


def words(request):
    return request.right


def cheap(request, text):
    spend("cheap", 1.0, 0.1)
    return ("?", 0.0) if text == "3" else (text, 1.0)


async def dear(request, text):
    spend("dear", 20.0, 2.0)
    return text, 1


ROUTES = {
    "post": {"cheap": (page, cheap), "dear": (page, dear)},
    "chat": {"cheap": (words, cheap), "dear": (words, dear)},
}


@pytest.fixture(scope="module")
def replay():
    return Replay(REQUESTS, ROUTES, lambda request, said: said == request.right)


def all_dear(request, ask):
    return ask("dear")


def careful(request, ask):
    first = ask("cheap")
    return first if first.sure else ask("dear")


def test_each_route_is_tried_once_and_keeps_its_own_price(replay):
    assert len(replay.tried) == 40 and len(replay.read) == 20
    assert replay.tried["r-3", "cheap"] == Try("?", False, 0.0, 1.0, pytest.approx(0.1), "page")
    assert replay.read["r-3", "page"] == (10.0, pytest.approx(1.0)) and replay.read["r-2", "words"] == (0, 0)


def test_a_reader_is_paid_once_and_every_route_that_was_asked(replay):
    row = replay.serve(REQUESTS[2], careful)
    assert row == {
        "id": "r-3",
        "door": "post",
        "right": True,
        "dollars": pytest.approx(31.0),
        "seconds": pytest.approx(3.1),
        "asked": ("cheap", "dear"),
    }
    twice = replay.serve(REQUESTS[2], lambda request, ask: [ask("cheap"), ask("cheap")][1])
    assert twice["dollars"] == pytest.approx(11.0) and not twice["right"]


def test_the_board_compares_with_its_first_system(replay):
    board = Leaderboard(replay)
    board.enter(all_dear)
    table = board.enter(careful)
    assert list(table.columns) == COLUMNS[1:] and list(table.index) == ["all dear", "careful"]
    assert table.loc["all dear", ["% of cost", "% of p95"]].tolist() == [100, 100]
    dollars = 10 * 10 + 20 * 1 + 20  # ten pages, twenty cheap calls, one dear one
    assert table.loc["careful", "% of cost"] == round(100 * dollars / (10 * 10 + 20 * 20))
    assert table.loc["careful", "right"] == 1.0 and table.loc["careful", "low"] < 1
    assert board.by_door().loc["post"].tolist() == [10, 10, 10]
    board.enter(lambda request, ask: ask("cheap"), name="careful")
    assert len(board.scores) == 2 and board.by_door("careful").loc["post"].tolist() == [9, 10]


def test_what_a_system_may_not_do(replay):
    with pytest.raises(CourseError, match="Door 'chat' has no route 'oracle'. It has: cheap, dear."):
        replay.serve(REQUESTS[1], lambda request, ask: ask("oracle"))
    with pytest.raises(CourseError, match="for door 'chat' it returned None"):
        replay.serve(REQUESTS[1], lambda request, ask: None)


def test_replies_of_mocks_are_no_entry():
    small = chat_model("small", max_tokens=5)

    async def asked(request, text):
        return (await small.ainvoke(text)).content, 1.0

    with provider.mock(), pytest.raises(CourseError, match="A mock answered r-2 by 'small'"):
        Replay(REQUESTS[1:2], {"chat": {"small": (words, asked)}}, lambda request, said: True)


def test_three_bars_say_which_is_met():
    said = three_bars(40.4, 50, 120, "Reference").alt_text
    assert (
        said
        == "Reference: cost 40 percent, bar 25, missed; p95 50 percent, bar 60, met; right 120 percent, bar 100, met."
    )
