"""Each test has a cassette of its own below tests/cassettes/test_guide/."""

import asyncio

import guide
import pytest

pytestmark = pytest.mark.llmproxy


@pytest.mark.parametrize(("country", "city"), [("France", "Paris"), ("Japan", "Tokyo")])
def test_capital(country: str, city: str) -> None:
    """A test per set of parameters, and so a cassette."""
    assert city in guide.capital(country)


def test_a_program_that_swallows_errors() -> None:
    """It would pass without an answer: llmproxy lets it fail where nothing was recorded."""
    assert isinstance(guide.capital_or_nothing("Italy"), str)


class TestStory:
    """Classes are part of the name of the cassette."""

    def test_comes_in_pieces(self) -> None:
        """A stream is recorded with its pieces, and replayed with them."""

        async def pieces() -> list[str]:
            return [piece async for piece in guide.told("the sea")]

        assert len(asyncio.run(pieces())) > 1


@pytest.mark.llmproxy(match_on="model,messages")
def test_by_the_fixture(llmproxy_cassette: object) -> None:
    """The fixture tells where things are."""
    assert guide.capital("Spain")
    assert llmproxy_cassette.verdict()["exchanges"] == 1
