"""The model of shoppers behind events.csv: who they are, what they see, what they take. README.md tells it in words.

`shop(products, words, rng)` is pure, so the lesson can ask what another shop would have given: `hidden` weighs what
neither text nor picture shows, `crowd` the pull of what is in the shop window.
"""

import numpy as np

CUTS, LAST_DAY = (270, 330), 390  # train before the first cut, dev to the second, test to the last day
OLD, IN_DEV, IN_TEST = 330, 60, 110  # shoppers who joined before the first cut, between the cuts, after the second
HIDDEN = 6


def shop(products, words, rng, hidden=1.0, crowd=1.0):
    """(shoppers, events): dicts with id, joined, wish; and sorted (day, shopper, sku), no pair twice."""
    world = World(products, words, rng)
    shoppers, events = [], []
    joined = [int(d) for d in rng.integers(0, CUTS[0] - 30, OLD)]
    joined += [int(d) for d in rng.integers(CUTS[0], CUTS[1] - 10, IN_DEV)]
    joined += [int(d) for d in rng.integers(CUTS[1], LAST_DAY - 10, IN_TEST)]
    for number, first in enumerate(joined, 1):
        person = Person(world, rng)
        id = f"S{number:03}"
        shoppers.append({"id": id, "joined": first, "wish": person.wish(world)})
        events += [(day, id, sku) for day, sku in person.year(world, first, rng, hidden, crowd)]
    return shoppers, sorted(events)


class World:
    """What all shoppers face: the products' traits, some of them hidden, and the pull of the shop window."""

    def __init__(self, products, words, rng):
        self.words, self.skus = words, [p["sku"] for p in products]
        self.launched = np.array([p["launched"] for p in products])
        self.price = np.log([p["price_gbp"] for p in products])
        self.rooms = np.array([p["room"] for p in products])
        self.families = np.array([p["family"] for p in products])
        self.collections = np.array([p["collection"] for p in products])
        self.styles = list(words["collections"])
        self.hidden = rng.normal(size=(len(products), HIDDEN)) / np.sqrt(HIDDEN)
        rank = rng.permutation(len(products)) + 1
        self.window = rank**-0.7 / np.mean(rank**-0.7)  # how often a product is put forward


class Person:
    """A shopper's taste: two liked collections, one or two colour families, a purse, hidden likings, a room at a time."""

    def __init__(self, world, rng):
        styles, families = world.styles, list(world.words["families"])
        self.styles = [styles[i] for i in rng.choice(len(styles), 2, replace=False)]
        self.families = [families[i] for i in rng.choice(len(families), rng.integers(1, 3), replace=False)]
        self.purse = rng.normal(np.log(75), 0.6)
        self.hidden = rng.normal(size=HIDDEN)
        self.first_room = self.room(world, rng)

    def wish(self, world):
        """What a shopper says when asked at the door: the room at hand, the first liking, a colour family."""
        family = {"light": "light colours", "dark": "dark colours"}.get(self.families[0], self.families[0])
        return f"Something for the {self.first_room}. I like {world.words['collections'][self.styles[0]]['like']}, {family}."

    def room(self, world, rng):
        share = np.array(list(world.words["rooms"].values())) / 100
        return list(world.words["rooms"])[rng.choice(len(share), p=share)]

    def liking(self, world, hidden, crowd):
        """How much the shopper likes each product, the room apart."""
        style = np.where(world.collections == self.styles[0], 1.8, 0) + np.where(
            world.collections == self.styles[1], 1.1, 0
        )
        colour = np.isin(world.families, self.families) * 1.2
        purse = -0.6 * np.abs(world.price - self.purse)
        return style + colour + purse + hidden * 1.3 * world.hidden @ self.hidden + crowd * 0.2 * np.log(world.window)

    def year(self, world, joined, rng, hidden, crowd):
        """(day, sku) of all that the shopper takes: a room for a few weeks, then another."""
        new = joined >= CUTS[0]
        count = int(rng.integers(4, 13)) if new else int(np.clip(rng.lognormal(np.log(22), 0.6), 6, 90))
        end = min(LAST_DAY, joined + 50) if new else LAST_DAY
        days = np.sort(rng.integers(joined, end, count))
        liking, taken, room, until = self.liking(world, hidden, crowd), set(), None, -1
        for day in days.tolist():
            if day > until:
                room = self.room(world, rng) if room else self.first_room
                until = day + int(rng.integers(15, 50))
            here = np.flatnonzero(world.launched <= day)
            here = here[[i not in taken for i in here.tolist()]]
            pull = world.window[here] ** crowd
            seen = rng.choice(here, 30, replace=False, p=pull / pull.sum())  # the shop window
            seen = np.union1d(seen, here[world.rooms[here] == room])  # and the shelf of the room
            score = liking[seen] + 1.0 * (world.rooms[seen] == room) + 0.7 * rng.gumbel(size=len(seen))
            best = int(seen[np.argmax(score)])
            taken.add(best)
            yield day, world.skus[best]
