"""Four tools of lesson 9's helper: search, vision, a code executor, an API."""

from fastapi import FastAPI
from fastapi.testclient import TestClient

from course_utils import look
from course_utils.settings import DATA

from .parts import STATUS, find

PHOTOS = {"HL-20338": DATA / "images/heads/damage/test/cracked/000.jpg"}
api = FastAPI()


@api.get("/orders/{order}")
def read_order(order: str):
    """The state of an order, as the shop's web service gives it."""
    return {"order": order, "status": STATUS.get(order, "unknown")}


shop = TestClient(api)  # the requests and replies of HTTP, without a network


def search_handbook(question: str):
    """Search the company's handbook: rules, prices, care of products."""
    return find(question)[0].page_content


def look_at_photo(order: str):
    """Look at the photo that a customer sent about an order, and say whether the goods are intact."""
    return look(PHOTOS[order]).head("damage").label


def order_api(order: str):
    """Ask the shop's API for the state of an order, by its number such as HL-20434."""
    return shop.get(f"/orders/{order}").text


def tell(answer: str):
    """Give the customer the answer, in one sentence."""


def four_tools(execute):
    """The tools by name; `execute(code)` runs a program and gives what it prints."""

    def run_python(code: str):
        """Run a short Python program that prints its result, for sums and counts."""
        return execute(code)

    return {f.__name__: f for f in (search_handbook, look_at_photo, run_python, order_api)}
